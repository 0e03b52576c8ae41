/** What flows between the chat's server and its pages: both import this file. */
import { contract, event, request, room, signal } from "bowline";
import * as z from "zod";

// The page forbids eval (see site.ts), which zod would otherwise try in order to compile its schemas.
z.config({ jitless: true });

/** Most rooms there may be: a page joins all of them, so it stays below the server's limit of rooms a connection. */
export const roomsMax = 50;
export const nameLengthMax = 30;
export const textLengthMax = 2000;

/** A name as others are to see it: on one line, and without characters that would turn the text around it. */
export function cleanName(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, "")
    .trim();
}

export const chat = contract({
  rooms: {
    // The list of rooms is a room itself: who joins reads it from the start, and hears of new ones.
    rooms: room({
      events: {
        opened: event(z.object({ slug: z.string(), title: z.string(), topic: z.string() }), {
          from: "server",
        }),
      },
      history: { count: roomsMax },
    }),
    "chat/:slug": room({
      events: {
        message: event(z.object({ text: z.string().trim().min(1).max(textLengthMax) })),
        typing: signal(z.object({ active: z.boolean() })),
      },
      presence: z.object({ away: z.boolean() }),
      // Who misses more than this is told so.
      history: { count: 500, age: "1d" },
    }),
  },
  requests: {
    "rooms.open": request({
      input: z.object({ title: z.string().trim().min(1).max(nameLengthMax) }),
      output: z.object({ slug: z.string() }),
      errors: ["FULL", "NO_NAME"],
      // Opening a room that is there already finds it, so asking twice does no harm.
      idempotent: true,
    }),
  },
});
