import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import type { Broker } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { altered } from "../support/log-broker.ts";
import { Pair, type RawSocket } from "../support/pair.ts";

// What becomes of calls whose connection ended while they were under way, and that come again over another one.

const name = "chat/a";
const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) } }) },
  requests: { add: request({ input: z.any(), output: z.any() }) },
});

async function bench({ calls = {}, mayJoin = true }: { calls?: Partial<Broker>; mayJoin?: boolean } = {}) {
  const inner = memory();
  const pair = new Pair(chat, { broker: altered(inner, calls) });
  const runs: unknown[] = [];
  const finish: (() => void)[] = [];
  const wait = ({ payload }: { payload: unknown }): Promise<void> => {
    runs.push(payload);
    return new Promise<void>((resolve) => finish.push(resolve));
  };
  pair.server.room("chat/:room", { join: () => mayJoin, on: { message: wait } });
  pair.server.request("add", async (context) => {
    await wait(context);
    return "sum";
  });
  await pair.start();
  const connect = async (generation: number): Promise<RawSocket> => {
    const raw = await pair.socket();
    raw.hello({ generation });
    await pair.clock.settle();
    return raw;
  };
  const stored = async () =>
    (await inner.read(name, 0, 100)).entries.map(
      ({ data }) => (JSON.parse(data) as { payload: unknown }).payload,
    );
  const settle = () => pair.clock.settle();
  return { pair, inner, runs, finish, connect, stored, settle };
}

const publish = (ref: number, retry = false) => ({
  type: "publish",
  ref,
  room: name,
  event: "message",
  payload: ref,
  ...(retry && { retry }),
});

describe("a publish", () => {
  test("that comes again while its handler runs is handled once, and answered on the newer connection", async () => {
    const { pair, runs, finish, connect, stored, settle } = await bench();
    (await connect(1)).send(publish(1));
    await settle();
    pair.lastLink.cut();
    const again = await connect(2);
    again.send(publish(1, true));
    await settle();
    for (const done of finish) done();
    await settle();
    expect([runs, await stored()]).toEqual([[1], [1]]);
    expect(again.of("ack")).toMatchObject([{ ref: 1, position: { offset: 1 } }]);
  });

  test("that comes again when it was stored is not handled again", async () => {
    const { pair, runs, finish, connect, settle } = await bench();
    const ada = await connect(1);
    ada.send(publish(1));
    await settle();
    finish[0]?.();
    await settle();
    pair.lastLink.cut();
    const again = await connect(2);
    again.send(publish(1, true));
    await settle();
    expect(runs).toEqual([1]);
    expect(again.of("ack")).toEqual(ada.of("ack"));
  });

  test("is not stored ahead of one that was given up in an outage, and both are when they come again", async () => {
    let isDown = true;
    const inner = memory();
    const { pair, finish, connect, settle } = await bench({
      calls: {
        start: (sink, node) => inner.start(sink, node),
        openSession: (claim) => inner.openSession(claim),
        find: (room, origin) => inner.find(room, origin),
        append: async (call) => {
          if (isDown) throw new Error("down");
          return inner.append(call);
        },
      },
    });
    const ada = await connect(1);
    for (const ref of [1, 2]) ada.send(publish(ref));
    await settle();
    finish[0]?.();
    await settle();
    pair.lastLink.cut();
    await pair.clock.advance(300);
    isDown = false;
    for (const done of finish.splice(1)) done();
    await pair.clock.advance(10_000);
    expect((await inner.read(name, 0, 10)).head).toBe(0);
    const again = await connect(2);
    for (const ref of [1, 2]) again.send(publish(ref, true));
    for (let round = 0; round < 2; round += 1) {
      await settle();
      for (const done of finish.splice(0)) done();
    }
    await settle();
    expect(again.of("ack").map(({ ref }) => ref)).toEqual([1, 2]);
  });

  test("to a room that its sender may not enter is refused, and not handled", async () => {
    const { runs, connect, stored, settle } = await bench({ mayJoin: false });
    const ada = await connect(1);
    ada.send(publish(1));
    await settle();
    expect([runs, await stored()]).toEqual([[], []]);
    expect(ada.of("error")).toMatchObject([{ ref: 1, code: "FORBIDDEN" }]);
  });
});

describe("a request", () => {
  test("that comes again while it runs is answered when it is done, on the newer connection", async () => {
    const { pair, runs, finish, connect, settle } = await bench();
    const call = { type: "request", ref: 1, request: "add", payload: [] };
    (await connect(1)).send(call);
    await settle();
    pair.lastLink.cut();
    const again = await connect(2);
    again.send(call);
    await settle();
    expect([again.of("reply"), again.of("error")]).toEqual([[], []]);
    for (const done of finish) done();
    await settle();
    expect([runs.length, again.of("reply")]).toEqual([1, [{ type: "reply", ref: 1, payload: "sum" }]]);
  });
});

describe("a join", () => {
  test("whose connection ends while the room is subscribed to leaves no subscription", async () => {
    const inner = memory();
    const unsubscribed: string[] = [];
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    const { pair, connect, settle } = await bench({
      calls: {
        subscribe: async (room, bound) => {
          const state = await inner.subscribe(room, bound);
          await held;
          return state;
        },
        unsubscribe: async (room) => void unsubscribed.push(room),
      },
    });
    (await connect(1)).send({ type: "join", room: name });
    await settle();
    pair.lastLink.cut();
    answer();
    await settle();
    expect([unsubscribed, pair.server.stats().rooms]).toEqual([[name], 0]);
  });
});
