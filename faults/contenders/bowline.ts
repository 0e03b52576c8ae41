import { randomBytes } from "node:crypto";
import { contract, event, room } from "bowline";
import { createClient } from "bowline/client";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { WebSocket } from "ws";
import * as z from "zod";
import {
  heartbeatMs,
  reconnectMsMax,
  type Contender,
  type Participant,
  type Participation,
} from "./contender.ts";

const message = event(z.object({ id: z.string(), sender: z.string(), n: z.number(), padding: z.string() }));

const rooms = contract({
  rooms: {
    "long/:room": room({ events: { message } }),
    "short/:room": room({ events: { message }, history: { count: 40 } }),
  },
});

/** The longest wait of the protocol's default, which the jitter is a part of. */
const waitMsMax = 30_000;

/** Bowline with the memory broker, all limits at their defaults. */
export const bowline: Contender = {
  async serve(port) {
    const server = createServer(rooms, { heartbeatMs });
    return (await serve(server, { port, host: "127.0.0.1", signals: false })).port;
  },
  participate,
};

async function participate({ port, rooms: names, log }: Participation): Promise<Participant> {
  const client = createClient(rooms, {
    url: `ws://127.0.0.1:${port}/bowline`,
    WebSocket,
    // A run is short, so waits are too; the outbox holds what is published meanwhile.
    random: {
      float: () => (Math.random() * reconnectMsMax) / waitMsMax,
      id: (length) => randomBytes(length).toString("base64url").slice(0, length),
    },
  });
  const joined = names.map((name) => {
    // Both kinds of rooms have the same events, and types can't see that of a name that is either.
    const entered = client.join(name as `long/${number}`);
    entered.on("message", ({ payload, position, replayed }) =>
      log(name, { type: "delivered", id: payload.id, position, replayed }),
    );
    entered.onGap(({ reason, position }) => log(name, { type: "gap", reason, position }));
    return { name, entered };
  });
  for (const { name, entered } of joined) {
    await entered.joined();
    if (entered.position) log(name, { type: "joined", position: entered.position });
  }
  return {
    publish: (name, payload) => client.publish(name, "message", payload),
    close: () => client.close(),
  };
}
