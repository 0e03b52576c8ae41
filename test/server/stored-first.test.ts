import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import type { Broker } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { altered } from "../support/log-broker.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) }, presence: z.any() }) },
  requests: { add: request({ input: z.any(), output: z.any() }) },
});

/** What a client asks, the broker's call that it takes, and the answer that has to wait for it. */
const rows: readonly [call: keyof Broker, frame: object, answer: string][] = [
  ["append", { type: "publish", ref: 1, room: "chat/a", event: "message", payload: 1 }, "ack"],
  ["find", { type: "publish", ref: 1, room: "chat/a", event: "message", payload: 1, retry: true }, "ack"],
  ["claimRequest", { type: "request", ref: 1, request: "add", payload: 1 }, "reply"],
  ["answerRequest", { type: "request", ref: 1, request: "add", payload: 1 }, "reply"],
  ["subscribe", { type: "join", room: "chat/b" }, "joined"],
  ["enter", { type: "join", room: "chat/b", presence: 1 }, "joined"],
  ["members", { type: "join", room: "chat/b" }, "joined"],
];

describe("a client is told nothing that a crash could undo", () => {
  test.each(rows)("while %s is under way, there is no answer", async (call, frame, answer) => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const inner: Broker = memory();
    const original = inner[call] as (...args: unknown[]) => unknown;
    const slow = async (...args: unknown[]): Promise<unknown> => {
      const result = await original.apply(inner, args);
      await held;
      return result;
    };
    const pair = new Pair(chat, { broker: altered(inner, { [call]: slow }) });
    pair.server.request("add", () => 2);
    await pair.start();
    const ada = await pair.socket();
    ada.hello();
    await pair.clock.settle();
    ada.send(frame);
    await pair.clock.settle();
    expect(ada.of(answer)).toEqual([]);
    release();
    await pair.clock.settle();
    expect(ada.of(answer)).toHaveLength(1);
  });
});

test("a reply that could not be stored is not given, and given once it could", async () => {
  const inner = memory();
  let isDown = true;
  const broker = altered(inner, {
    answerRequest: async (...args) => {
      if (isDown) throw new Error("down");
      await inner.answerRequest(...args);
    },
  });
  const pair = new Pair(chat, { broker });
  pair.server.request("add", () => 2);
  await pair.start();
  const ada = await pair.socket();
  ada.hello();
  await pair.clock.settle();
  ada.send({ type: "request", ref: 1, request: "add", payload: 1 });
  await pair.clock.settle();
  expect(ada.of("reply")).toEqual([]);
  isDown = false;
  await pair.clock.advance(1000);
  expect(ada.of("reply")).toEqual([{ type: "reply", ref: 1, payload: 2 }]);
});
