import { contract, event, request, room, signal } from "bowline";
import * as z from "zod";

/** Takes almost anything: what is refused is refused by the server itself. */
export const fuzzed = contract({
  rooms: {
    "open/:room": room({
      events: {
        message: event(z.any()),
        number: event(z.number()),
        typing: signal(z.any()),
        notice: event(z.any(), { from: "server" }),
      },
      presence: z.any(),
      history: { count: 50 },
    }),
  },
  requests: { echo: request({ input: z.any(), output: z.any() }) },
});

export const limits = {
  payloadBytes: 65_536,
  framesPerSecond: 1000,
  framesBurst: 1000,
  throttledMs: 1000,
  rooms: 10,
  pending: 50,
} as const;
