/** The fixed contract of the server under test: `spec/conformance/contract.json` is made of it. */
import * as z from "zod";
import { contract, event, request, room, signal } from "bowline";

const Text = z.object({ text: z.string().min(1) });
const Name = z.object({ name: z.string().optional() });
const message = event(Text);

export const conformanceContract = contract({
  rooms: {
    "chat/:room": room({
      events: {
        message,
        note: event(Text, { from: "server" }),
        any: event(z.json()),
        typing: signal(z.object({ active: z.boolean() })),
        alarm: signal(Text, { from: "server" }),
      },
      presence: Name,
      history: { count: 100 },
    }),
    "small/:room": room({ events: { message }, history: { count: 3 } }),
    "staff/:room": room({ events: { message }, history: { count: 100 } }),
    // What the fault run plays on: a reader of a short room that is away for long misses something.
    "long/:room": room({ events: { message }, presence: Name, history: { count: 1000 } }),
    "short/:room": room({ events: { message }, presence: Name, history: { count: 40 } }),
    "plain/:room": room({ events: { message }, history: { count: 1000 } }),
    "shop/:item/price": room({ events: { offer: message } }),
    "shop/new/:part": room({ events: { message } }),
  },
  requests: {
    add: request({
      input: z.object({ room: z.string(), by: z.number() }),
      output: z.object({ sum: z.number() }),
    }),
    count: request({
      input: z.object({ room: z.string() }),
      output: z.object({ runs: z.number() }),
      idempotent: true,
    }),
    slow: request({ input: z.object({ room: z.string() }), output: z.object({ runs: z.number() }) }),
    large: request({ input: z.object({ length: z.number() }), output: z.object({ text: z.string() }) }),
    refuse: request({ input: z.object({ room: z.string() }), output: z.object({}), errors: ["no_links"] }),
    fail: request({ input: z.object({}), output: z.object({}) }),
  },
  inbox: { mention: event(Text) },
});
