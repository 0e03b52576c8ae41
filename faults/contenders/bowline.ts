import { randomBytes } from "node:crypto";
import { createClient } from "bowline/client";
import { WebSocket } from "ws";
import { conformanceContract } from "../../conformance/contract.ts";
import {
  reconnectMsMax,
  sourceCommand,
  type Contender,
  type Message,
  type Participant,
  type Participation,
} from "./contender.ts";

/** The longest wait of the protocol's default, which the jitter is a part of. */
const waitMsMax = 30_000;

/** Bowline, all limits at their defaults. */
export const bowline: Contender = { serverCommand: sourceCommand("conformance/server.ts"), participate };

async function participate({ port, name: own, rooms: names, log }: Participation): Promise<Participant> {
  const client = createClient(conformanceContract, {
    url: `ws://127.0.0.1:${port}/bowline`,
    WebSocket,
    // What goes wrong on purpose is no news.
    log: false,
    // A run is short, so waits are too; the outbox holds what is published meanwhile.
    random: {
      float: () => (Math.random() * reconnectMsMax) / waitMsMax,
      id: (length) => randomBytes(length).toString("base64url").slice(0, length),
    },
  });
  const joined = names.map((name) => {
    // Both kinds of rooms have the same events, and types can't see that of a name that is either.
    const entered = client.join(name as `long/${number}`, own === null ? {} : { presence: { name: own } });
    entered.on("message", ({ payload, position, replayed }) =>
      log(name, { type: "delivered", id: idOf(payload.text), position, replayed }),
    );
    entered.onGap(({ reason, position }) => log(name, { type: "gap", reason, position }));
    return { name, entered };
  });
  for (const { name, entered } of joined) {
    await entered.joined();
    if (entered.position) log(name, { type: "joined", position: entered.position });
  }
  return {
    publish: (name, message) => client.publish(name, "message", { text: JSON.stringify(message) }),
    present: (room) => {
      const members = joined.find(({ name }) => name === room)?.entered.presence.members.values() ?? [];
      return Array.from(members, ({ state }) => state.name ?? "");
    },
    close: () => client.close(),
  };
}

/** The id of a message that is the text of an event. */
export function idOf(text: string): string {
  return (JSON.parse(text) as Message).id;
}
