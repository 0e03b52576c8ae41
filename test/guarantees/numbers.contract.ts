import { contract, event, request, room, signal } from "bowline";
import * as z from "zod";

/** What the tests of the guarantees speak: numbers, which show loss, repetition and order at a glance. */
export const numbers = contract({
  rooms: {
    "numbers/:room": room({
      events: {
        number: event(z.object({ n: z.number() })),
        hint: signal(z.object({ n: z.number() })),
      },
      history: { count: 5000 },
    }),
    "short/:room": room({ events: { number: event(z.object({ n: z.number() })) }, history: { count: 10 } }),
  },
  requests: {
    increment: request({ input: z.object({ by: z.number() }), output: z.number() }),
    double: request({ input: z.number(), output: z.number(), idempotent: true }),
  },
});
