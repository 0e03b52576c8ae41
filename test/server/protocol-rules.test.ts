import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import type { BrokerSink } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { altered } from "../support/log-broker.ts";
import { Pair, type RawSocket, type WireFrame } from "../support/pair.ts";

// What the text of the protocol says of a server, one rule for each table, spoken frame by frame.

const text = z.object({ text: z.string() });
const events = { message: event(text), notice: event(text, { from: "server" }) };
const signals = { typing: signal(text), level: signal(text, { from: "server" }) };
const chat = contract({
  rooms: {
    "chat/:room": room({ events: { ...events, ...signals }, presence: text }),
    "staff/:room": room({ events: { ...events, ...signals }, presence: text }),
    "plain/:room": room({ events: { ...events, ...signals } }),
  },
  requests: {
    add: request({ input: z.number(), output: z.number() }),
    sum: request({ input: z.number(), output: z.number(), idempotent: true }),
    hold: request({ input: z.number(), output: z.number() }),
  },
});
const fine = { text: "x" };

async function bench(options: ServerOptions = {}) {
  const pair = new Pair(chat, options);
  const held: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => held.push(resolve));
  pair.server
    .room("staff/:room", { join: () => false })
    .room("plain/:room", {
      join: async ({ params }) => (params.room === "held" ? (await hold(), true) : true),
    })
    .request("add", ({ payload }) => payload + 1)
    .request("sum", ({ payload }) => payload + 1)
    .request("hold", async ({ payload }) => (await hold(), payload));
  await pair.start();
  const connect = async (hello: object = {}): Promise<RawSocket> => {
    const raw = await pair.socket();
    raw.hello(hello);
    await pair.clock.settle();
    return raw;
  };
  const say = async (raw: RawSocket, ...frames: readonly object[]): Promise<WireFrame[]> => {
    const before = raw.frames.length;
    for (const frame of frames) raw.send(frame);
    await pair.clock.settle();
    return raw.frames.slice(before);
  };
  return { pair, held, connect, say };
}

const publish = { type: "publish", ref: 1, room: "chat/a", event: "message", payload: fine };
const call = { type: "request", ref: 1, request: "add", payload: 1 };

describe("of several things that are wrong, the first is told", () => {
  const join = { type: "join", room: "chat/a" };
  const typing = { type: "signal", room: "chat/in", event: "typing", payload: fine };
  const state = { type: "presence", room: "chat/in", payload: fine };

  test.each<readonly [code: string, what: string, frame: object]>([
    ["INVALID", "the form before an unknown room", { ...join, room: "x", history: -1 }],
    ["UNKNOWN_ROOM", "an unknown room before its state", { ...join, room: "x", presence: 1 }],
    ["INVALID", "a room that is joined before its state", { ...join, room: "chat/in", presence: 1 }],
    ["FORBIDDEN", "a forbidden room before its state", { ...join, room: "staff/a", presence: 1 }],
    ["INVALID", "a state that does not fit", { ...join, presence: 1 }],
    ["INVALID", "a state where there is no presence", { ...join, room: "plain/a", presence: fine }],
    ["INVALID", "the form before an unknown room", { ...publish, room: "x", payload: undefined }],
    ["UNKNOWN_ROOM", "an unknown room before an unknown event", { ...publish, room: "x", event: "x" }],
    [
      "UNKNOWN_EVENT",
      "an unknown event before a forbidden room",
      { ...publish, room: "staff/a", event: "x" },
    ],
    ["UNKNOWN_EVENT", "a signal is no event", { ...publish, event: "typing" }],
    ["FORBIDDEN", "the server's event before its payload", { ...publish, event: "notice", payload: 1 }],
    ["FORBIDDEN", "a forbidden room before the payload", { ...publish, room: "staff/a", payload: 1 }],
    ["INVALID", "a payload that does not fit", { ...publish, payload: 1 }],
    ["UNKNOWN_ROOM", "an unknown room before joining", { ...typing, room: "x" }],
    ["NOT_JOINED", "joining before an unknown signal", { ...typing, room: "chat/out", event: "x" }],
    ["UNKNOWN_EVENT", "an event is no signal", { ...typing, event: "message", payload: 1 }],
    ["FORBIDDEN", "the server's signal before its payload", { ...typing, event: "level", payload: 1 }],
    ["INVALID", "a payload that does not fit", { ...typing, payload: 1 }],
    ["UNKNOWN_ROOM", "an unknown room before joining", { ...state, room: "x" }],
    ["NOT_JOINED", "joining before no presence", { ...state, room: "plain/out" }],
    ["INVALID", "no presence", { ...state, room: "plain/in" }],
    ["INVALID", "a state that does not fit", { ...state, payload: 1 }],
    ["UNKNOWN_REQUEST", "an unknown request before its input", { ...call, request: "x", payload: "x" }],
    ["INVALID", "an input that does not fit", { ...call, payload: "x" }],
  ])("%s: %s", async (code, _what, frame) => {
    const { connect, say } = await bench();
    const raw = await connect({ rooms: [{ room: "chat/in" }, { room: "plain/in" }] });
    const { room: about, ref } = frame as { room?: string; ref?: number };
    const subject = ref ? { ref } : { room: about, of: (frame as WireFrame).type };
    expect(await say(raw, frame)).toEqual([expect.objectContaining({ type: "error", code, ...subject })]);
    expect(raw.closeCode).toBe(null);
  });

  test("UNKNOWN_ROOM: an unknown room before too many rooms", async () => {
    const { connect, say } = await bench({ limits: { rooms: 1 } });
    const raw = await connect({ rooms: [{ room: "chat/in" }] });
    const answers = await say(raw, { ...join, room: "x" }, { ...join, room: "staff/a" });
    expect(answers.map(({ code }) => code)).toEqual(["UNKNOWN_ROOM", "TOO_MANY_ROOMS"]);
  });
});

describe("a leave is answered by left", () => {
  test.each(["chat/in", "chat/out", "staff/a", "no room"])("of %s", async (name) => {
    const { connect, say } = await bench();
    const raw = await connect({ rooms: [{ room: "chat/in" }, { room: "staff/a" }] });
    expect(await say(raw, { type: "leave", room: name })).toEqual([{ type: "left", room: name }]);
  });

  test("of a room whose join is under way, after its answer", async () => {
    const { pair, held, connect, say } = await bench();
    const raw = await connect();
    const frames = [{ type: "join" }, { type: "leave" }, { type: "join" }];
    expect(await say(raw, ...frames.map((frame) => ({ ...frame, room: "plain/held" })))).toEqual([]);
    held.shift()?.();
    await pair.clock.settle();
    held.shift()?.();
    await pair.clock.settle();
    expect(raw.frames.slice(1).map(({ type }) => type)).toEqual(["joined", "left", "joined"]);
  });
});

test("what is of a room comes between its joined and its left, never outside", async () => {
  const { pair, connect, say } = await bench();
  const other = await connect({
    secret: "session-0002-and-secret",
    rooms: [{ room: "chat/a", presence: fine }],
  });
  const raw = await connect();
  let ref = 0;
  const talk = (): Promise<WireFrame[]> =>
    say(
      other,
      { ...publish, ref: (ref += 1) },
      { type: "signal", room: "chat/a", event: "typing", payload: fine },
      { type: "presence", room: "chat/a", payload: { text: String(ref) } },
    );
  for (let round = 0; round < 3; round += 1) {
    const enter = { type: "join", room: "chat/a", presence: fine, position: { offset: 9, epoch: "lost" } };
    await Promise.all([talk(), say(raw, enter, { type: "leave", room: "chat/a" }), talk()]);
    await Promise.all([say(raw, enter), talk()]);
    await Promise.all([talk(), say(raw, { type: "leave", room: "chat/a" }), talk()]);
  }
  await pair.clock.settle();
  let isIn = false;
  const outside: WireFrame[] = [];
  for (const frame of raw.frames.slice(1)) {
    if (frame.type === "joined" || frame.type === "left") isIn = frame.type === "joined";
    else if (!isIn) outside.push(frame);
  }
  expect(outside).toEqual([]);
  for (const type of ["joined", "left", "event", "signal", "presence", "gap"])
    expect(raw.of(type).length, type).toBeGreaterThan(0);
});

describe("refs", () => {
  test("are used up by sound frames only", async () => {
    const { connect, say } = await bench();
    const raw = await connect();
    const answers = await say(
      raw,
      { ...publish, ref: 7, payload: undefined },
      { ...publish, ref: 3 },
      { ...publish, ref: 4 },
    );
    expect(answers).toMatchObject([
      { type: "error", ref: 7, code: "INVALID" },
      { type: "ack", ref: 3 },
      { type: "ack", ref: 4 },
    ]);
    await say(raw, { ...publish, ref: 4 });
    expect(raw.closeCode).toBe(4400);
  });

  test.each<readonly [counts: number, what: string, frame: object]>([
    [5, "a publish that was stored", { ...publish, ref: 5 }],
    [0, "a publish that was refused", { ...publish, ref: 5, payload: 1 }],
    [5, "a request that was answered", { ...call, ref: 5 }],
    [5, "a request that still runs", { ...call, ref: 5, request: "hold" }],
    [0, "a request that was refused before it ran", { ...call, ref: 5, payload: "x" }],
    [0, "an idempotent request", { ...call, ref: 5, request: "sum" }],
  ])("are told as %i by the welcome after %s", async (counts, _what, frame) => {
    const { connect, say } = await bench();
    await say(await connect(), frame);
    const raw = await connect({ generation: 2 });
    expect(raw.frames).toMatchObject([{ type: "welcome", ref: counts }]);
  });

  test("whose retry is false are looked at like any other", async () => {
    const { connect, say } = await bench();
    expect(await say(await connect(), { ...publish, retry: false })).toMatchObject([{ type: "ack" }]);
  });
});

test("requests of a session run side by side", async () => {
  const { pair, held, connect, say } = await bench();
  const raw = await connect();
  const [first] = await say(raw, { ...call, request: "hold" }, { ...call, ref: 2 });
  expect(first).toMatchObject({ type: "reply", ref: 2 });
  held.shift()?.();
  await pair.clock.settle();
  expect(raw.of("reply").at(-1)).toMatchObject({ ref: 1 });
});

test("a request that the ledger has forgotten is uncertain, and does not run again", async () => {
  const { connect, say } = await bench();
  const many = Array.from({ length: 300 }, (_, index) => ({ ...call, ref: index + 1 }));
  await say(await connect(), ...many);
  const raw = await connect({ generation: 2 });
  expect(await say(raw, { ...call, ref: 1 }, { ...call, ref: 300 })).toMatchObject([
    { type: "error", ref: 1, code: "UNCERTAIN" },
    { type: "reply", ref: 300 },
  ]);
});

describe("a position", () => {
  test("above the head of the store is in another log, and one of another epoch too", async () => {
    const { connect, say } = await bench();
    const [{ position }] = (await say(await connect(), publish)) as unknown as [
      { position: { epoch: string } },
    ];
    for (const [at, gap] of [
      [{ ...position, offset: 1 }, null],
      [{ ...position, offset: 2 }, "epoch"],
      [{ offset: 1, epoch: "other" }, "epoch"],
    ] as const) {
      const raw = await connect({
        secret: `session-${at.offset}-${at.epoch}`.padEnd(24, "x"),
        rooms: [{ room: "chat/a", position: at }],
      });
      expect(raw.of("gap").map(({ reason }) => reason)).toEqual(gap ? [gap] : []);
    }
  });

  test("above what a node has received, but not above the store's head, is read on from", async () => {
    // The other node has appended, and this one has not heard of it yet.
    let isDeaf = false;
    const inner = memory();
    const broker = altered(inner, {
      start: (sink, node) => {
        const receiveEntry: BrokerSink["receiveEntry"] = (...of) => isDeaf || sink.receiveEntry(...of);
        return inner.start({ ...sink, receiveEntry }, node);
      },
    });
    const { pair, connect, say } = await bench({ broker });
    const reader = await connect({ secret: "session-0002-and-secret", rooms: [{ room: "chat/a" }] });
    isDeaf = true;
    const [{ position }] = (await say(await connect(), publish)) as unknown as [{ position: object }];
    expect(reader.of("event")).toEqual([]);
    const ahead = await connect({ secret: "session-0003-and-secret", rooms: [{ room: "chat/a", position }] });
    expect(ahead.of("joined")).toMatchObject([{ position, head: 1 }]);
    expect(ahead.of("gap")).toEqual([]);
    isDeaf = false;
    await pair.server.publish("chat/a", "notice", fine);
    await pair.clock.settle();
    expect(ahead.of("event").map(({ offset }) => offset)).toEqual([2]);
  });
});

describe("a frame to a client is bounded", () => {
  const limits = { payloadBytes: 1000, frameBytes: 5096 };
  const filled = (bytes: number): { text: string } => ({ text: "x".repeat(bytes - '{"text":""}'.length) });
  const tooMuch = /has 1001 bytes, and may have 1000, which is limits\.frameBytes less 4096/;

  test("what the server publishes or signals has as much as there is place for, and no more", async () => {
    const { pair, connect } = await bench({ limits });
    const raw = await connect({ rooms: [{ room: "chat/a" }] });
    await pair.server.publish("chat/a", "notice", filled(1000));
    await pair.server.signal("chat/a", "level", filled(1000));
    await expect(pair.server.publish("chat/a", "notice", filled(1001))).rejects.toThrow(tooMuch);
    await expect(pair.server.signal("chat/a", "level", filled(1001))).rejects.toThrow(tooMuch);
    await pair.clock.settle();
    expect([raw.of("event").length, raw.of("signal").length]).toEqual([1, 1]);
  });

  test.each([
    [1000, "reply", []],
    [1001, "error", [expect.stringMatching(tooMuch)]],
  ] as const)("a reply of %i bytes is answered with %s", async (bytes, type, reported) => {
    const errors: string[] = [];
    const ask = contract({ requests: { ask: request({ input: z.any(), output: z.any() }) } });
    const pair = new Pair(ask, { limits, onError: (error) => void errors.push(String(error)) });
    pair.server.request("ask", () => filled(bytes));
    await pair.start();
    const raw = await pair.socket();
    raw.hello();
    await pair.clock.settle();
    raw.send({ type: "request", ref: 1, request: "ask", payload: null });
    await pair.clock.settle();
    expect(raw.frames.at(-1)).toMatchObject(type === "reply" ? { type } : { type, code: "INTERNAL" });
    expect(errors).toEqual(reported);
  });

  test("of many states that change at once, the whole list or the count is told", async () => {
    const { pair, connect } = await bench({ limits: { presenceBytes: 2000, presenceStateBytes: 1000 } });
    const reader = await connect({ rooms: [{ room: "chat/a" }] });
    const members: RawSocket[] = [];
    for (let index = 0; index < 4; index += 1)
      members.push(
        await connect({
          secret: `session-${index}`.padEnd(24, "x"),
          rooms: [{ room: "chat/a", presence: fine }],
        }),
      );
    const before = reader.frames.length;
    for (const member of members) member.send({ type: "presence", room: "chat/a", payload: filled(900) });
    await pair.clock.settle();
    const told = reader.frames.slice(before);
    expect(told.at(-1)).toEqual({ type: "presence", room: "chat/a", count: 4 });
    for (const frame of told) expect(JSON.stringify(frame).length).toBeLessThan(3000);
  });
});
