import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { contract, event, room } from "bowline";
import { createClient } from "bowline/client";
import { serve } from "bowline/node";
import { createServer, memory, type Broker } from "bowline/server";
import { WebSocket } from "ws";
import * as z from "zod";
import {
  heartbeatMs,
  reconnectMsMax,
  type BrokerAddress,
  type Contender,
  type Participant,
  type Participation,
} from "./contender.ts";

const message = event(z.object({ id: z.string(), sender: z.string(), n: z.number(), padding: z.string() }));

const presence = z.string();

const rooms = contract({
  rooms: {
    "long/:room": room({ events: { message }, presence }),
    "short/:room": room({ events: { message }, presence, history: { count: 40 } }),
  },
});

/** How long a node that is gone keeps its members. Short, because a run is. */
const leaseMs = 3000;
const drainOptions = { spreadMs: 500, deadlineMs: 4000 };

/** The longest wait of the protocol's default, which the jitter is a part of. */
const waitMsMax = 30_000;

/** Bowline, all limits at their defaults. */
export const bowline: Contender = {
  async serve(port, address) {
    // What goes wrong with a broker on purpose is no news.
    const onError = (): void => {};
    const broker = await brokerAt(address);
    const server = createServer(rooms, {
      logger: false,
      heartbeatMs,
      presenceGraceMs: 2000,
      broker,
      onError,
    });
    const serving = await serve(server, { port, host: "127.0.0.1", signals: false });
    return { port: serving.port, drain: () => server.drain(drainOptions) };
  },
  participate,
};

async function brokerAt({ name, port, folder }: BrokerAddress): Promise<Broker> {
  switch (name) {
    case "redis":
      return (await import("bowline/redis")).redis({ url: `redis://127.0.0.1:${port}`, leaseMs });
    case "nats":
      return (await import("bowline/nats")).nats({ servers: `nats://127.0.0.1:${port}`, leaseMs });
    case "sqlite":
      return (await import("bowline/sqlite")).sqlite({ file: join(folder, "bowline.db") });
    case "memory":
      return memory();
  }
}

async function participate({ port, name: own, rooms: names, log }: Participation): Promise<Participant> {
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
    const entered = client.join(name as `long/${number}`, own === null ? {} : { presence: own });
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
    present: (room) => {
      const members = joined.find(({ name }) => name === room)?.entered.presence.members.values() ?? [];
      return Array.from(members, ({ state }) => state);
    },
    close: () => client.close(),
  };
}
