import * as z from "zod";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Pair, type RawSocket } from "./pair.ts";
import { RecordedLog } from "./recorded-log.ts";

/** A server that refuses much. */
export const app = contract({
  rooms: {
    "chat/:room": room({
      events: {
        message: event(z.object({ text: z.string().max(5) })),
        notice: event(z.string(), { from: "server" }),
        typing: signal(z.object({ active: z.boolean() })),
      },
      presence: z.object({ name: z.string().max(5) }),
    }),
  },
  requests: {
    ask: request({ input: z.object({ n: z.number().max(9) }), output: z.number(), errors: ["taken"] }),
  },
});

/** The server, with a logger that keeps its lines. */
export async function loggingBench(options: ServerOptions = {}) {
  const logger = new RecordedLog();
  const pair = new Pair(app, {
    logger,
    authenticate: ({ token }) => {
      if (token === "banned") throw new BowlineError("FORBIDDEN", "your account is closed");
      return token === undefined ? null : { id: token };
    },
    ...options,
  });
  pair.server
    .room("chat/:room", {
      join: ({ params }) => {
        if (params.room === "quit") throw new BowlineError("moved", "it is elsewhere now");
        return params.room !== "staff";
      },
      on: {
        message: ({ payload }) => {
          if (payload.text === "rude") throw new BowlineError("no_insults", "be kind");
        },
      },
    })
    .request("ask", ({ payload, refuse }) => {
      if (payload.n === 1) throw refuse("taken");
      if (payload.n === 2) throw new Error("boom");
      return payload.n;
    });
  await pair.start();
  return { pair, logger };
}

/** A session of ada's that has said hello. */
export async function openRaw(pair: Pair<typeof app>): Promise<RawSocket> {
  const raw = await pair.socket("ada");
  raw.hello();
  await pair.clock.settle();
  return raw;
}
