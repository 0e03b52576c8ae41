import { contract, event, request, room, signal } from "bowline";
import * as z from "zod";

/** A contract with something of each kind. */
export const chat = contract({
  rooms: {
    "chat/:room": room({
      events: {
        message: event(z.object({ text: z.string().min(1).max(2000) })),
        notice: event(z.object({ text: z.string() }), { from: "server" }),
        typing: signal(z.object({ active: z.boolean() })),
      },
      presence: z.object({ name: z.string() }),
      history: { count: 200, age: "24h" },
    }),
    "jobs/:id": room({ events: { done: event(z.object({ ms: z.int().min(0) }), { from: "server" }) } }),
  },
  requests: {
    "rooms.list": request({ input: z.null(), output: z.array(z.string()), idempotent: true }),
    "rooms.search": request({
      input: z.object({ text: z.string() }),
      output: z.array(z.string()),
      errors: ["too_vague", "rate_limited"],
    }),
  },
  inbox: { mention: event(z.object({ by: z.string() })) },
});
