import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { answerText, readAnswer, type Answer } from "../../src/server/neutral.ts";
import { altered } from "../support/log-broker.ts";
import { Pair, type RawSocket } from "../support/pair.ts";

const session = "NBEgpHYdQGo-5Hv6w6sH0Q";
const secret = "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9";
const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()), typing: signal(z.any()) } }) },
  requests: {
    add: request({ input: z.any(), output: z.any() }),
    full: request({ input: z.any(), output: z.any() }),
  },
});

/** A server whose broker tells what it is given to keep. */
async function bench() {
  const kept: string[] = [];
  const inner = memory();
  const broker = altered(inner, {
    append: (request) => {
      kept.push(request.data);
      return inner.append(request);
    },
    signal: (name, key, data) => {
      kept.push(data);
      inner.signal(name, key, data);
    },
    answerRequest: (origin, answer) => {
      kept.push(answer);
      return inner.answerRequest(origin, answer);
    },
  });
  const pair = new Pair(chat, { broker });
  pair.server.request("add", ({ payload }) => payload);
  pair.server.request("full", () => {
    throw new BowlineError("room_full", "50 people", {
      retryable: true,
      issues: [{ path: [0], message: "m" }],
    });
  });
  await pair.start();
  let generation = 0;
  const connect = async (): Promise<RawSocket> => {
    const raw = await pair.socket();
    raw.hello({ secret, generation: (generation += 1), rooms: [{ room: "chat/a" }] });
    await pair.clock.settle();
    return raw;
  };
  return { pair, kept, connect };
}

const payload = { text: 'a "b" \u{1F600}', type: "event" };

describe("a broker is given JSON that is no frame of the wire", () => {
  test.each([
    [
      { type: "publish", ref: 1, room: "chat/a", event: "message", payload },
      { id: `${session}-1`, event: "message", from: session, at: expect.any(Number) as number, payload },
    ],
    [
      { type: "signal", room: "chat/a", event: "typing", payload },
      { event: "typing", from: session, session, payload },
    ],
    [{ type: "request", ref: 1, request: "add", payload }, { payload }],
    [
      { type: "request", ref: 1, request: "full", payload },
      {
        error: {
          code: "room_full",
          message: "50 people",
          retryable: true,
          issues: [{ path: [0], message: "m" }],
        },
      },
    ],
  ])("for %o", async (frame, data) => {
    const { pair, kept, connect } = await bench();
    (await connect()).send(frame);
    await pair.clock.settle();
    expect(kept.map((text) => JSON.parse(text) as unknown)).toEqual([data]);
    // As compact as it gets, and its fields in this order: what follows the brace is spliced into frames.
    expect(kept[0]?.startsWith(`{"${Object.keys(data)[0]}":`)).toBe(true);
    expect(kept[0]).toBe(JSON.stringify(JSON.parse(kept[0] as string)));
  });

  test("and an answer that was stored is given again as it was the first time", async () => {
    const { pair, connect } = await bench();
    const frames = [
      { type: "request", ref: 1, request: "add", payload },
      { type: "request", ref: 2, request: "full", payload },
    ];
    const answers: unknown[] = [];
    for (let times = 0; times < 2; times += 1) {
      const socket = await connect();
      for (const frame of frames) socket.send(frame);
      await pair.clock.settle();
      answers.push(socket.frames.filter(({ type }) => type === "reply" || type === "error"));
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toMatchObject([
      { type: "reply", ref: 1, payload },
      { type: "error", ref: 2, code: "room_full", retryable: true },
    ]);
  });
});

test.each<[string, Answer]>([
  ['{"payload":null}', { payload: "null" }],
  ['{"payload":{"error":{}}}', { payload: '{"error":{}}' }],
  ['{"error":{"code":"c","message":"m"}}', { error: { code: "c", message: "m" } }],
])("the answer %s is read as it was written", (text, answer) => {
  expect(readAnswer(text)).toEqual(answer);
  expect(answerText(answer)).toBe(text);
});

test("an answer with spaces in it, from some other writer, is read all the same", () => {
  expect(readAnswer('{ "payload": [1, 2] }')).toEqual({ payload: "[1,2]" });
});
