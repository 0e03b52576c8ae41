import { loggingBench, openRaw, type app } from "../support/logging-bench.ts";
import { describe, expect, test, vi } from "vitest";
import type { BrokerSink } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { altered } from "../support/log-broker.ts";
import type { Pair, RawSocket } from "../support/pair.ts";
import type { Line } from "../support/recorded-log.ts";

/** What ada sends, and the only line that is to follow. */
const refusedCalls: [what: string, frame: object, fields: object, message: string][] = [
  [
    "a join that its hook does not allow",
    { type: "join", room: "chat/staff" },
    { code: "FORBIDDEN", kind: "join", room: "chat/staff", pattern: "chat/:room", user: "ada" },
    'refused a join in "chat/staff" of user "ada" (FORBIDDEN): the join hook of "chat/:room" does not allow it',
  ],
  [
    "a join that its hook refuses with a code of its own",
    { type: "join", room: "chat/quit" },
    { code: "moved", kind: "join" },
    'refused a join in "chat/quit" of user "ada" (moved): it is elsewhere now',
  ],
  [
    "a join of a room that no pattern fits",
    { type: "join", room: "chad/x" },
    { code: "UNKNOWN_ROOM", room: "chad/x" },
    'refused a join in "chad/x" of user "ada" (UNKNOWN_ROOM): no room pattern of the contract fits "chad/x"',
  ],
  [
    "a join whose presence state does not fit",
    { type: "join", room: "chat/x", presence: { name: "hunter2" } },
    { code: "INVALID", issue: { path: "name", message: expect.stringContaining("Too big") } },
    'refused a join in "chat/x" of user "ada" (INVALID): name: Too big: expected string to have <=5 characters',
  ],
  [
    "a join that is no sound frame",
    { type: "join", room: "chat/x", history: -1 },
    { code: "INVALID", kind: "join", room: "chat/x" },
    'refused a join in "chat/x" of user "ada" (INVALID): history must be a whole number from 0, not -1',
  ],
  [
    "an event whose payload does not fit",
    { type: "publish", ref: 1, room: "chat/x", event: "message", payload: { text: "hunter2" } },
    { code: "INVALID", kind: "publish", event: "message", issue: { path: "text" } },
    'refused a publish of "message" in "chat/x" of user "ada" (INVALID): text: Too big: expected string to have <=5 characters',
  ],
  [
    "an event that the contract does not have",
    { type: "publish", ref: 1, room: "chat/x", event: "massage", payload: 1 },
    { code: "UNKNOWN_EVENT", event: "massage" },
    'refused a publish of "massage" in "chat/x" of user "ada" (UNKNOWN_EVENT): the contract has no event "massage" in "chat/:room"',
  ],
  [
    "an event of the server's",
    { type: "publish", ref: 1, room: "chat/x", event: "notice", payload: "x" },
    { code: "FORBIDDEN" },
    'refused a publish of "notice" in "chat/x" of user "ada" (FORBIDDEN): "notice" is published by the server only',
  ],
  [
    "a publish that is no sound frame",
    { type: "publish", ref: 1, room: "chat/x", event: "message" },
    { code: "INVALID", kind: "call" },
    'refused a call of user "ada" (INVALID): payload is missing (send null for none)',
  ],
  [
    "a signal of a room that was not joined",
    { type: "signal", room: "chat/x", event: "typing", payload: { active: true } },
    { code: "NOT_JOINED", kind: "signal" },
    'refused a signal of "typing" in "chat/x" of user "ada" (NOT_JOINED): join the room first',
  ],
  [
    "a presence state of a room that was not joined",
    { type: "presence", room: "chat/x", payload: { name: "Ada" } },
    { code: "NOT_JOINED", kind: "presence" },
    'refused a presence in "chat/x" of user "ada" (NOT_JOINED): join the room first',
  ],
  [
    "a request whose input does not fit",
    { type: "request", ref: 1, request: "ask", payload: { n: "4711" } },
    { code: "INVALID", kind: "request", request: "ask", issue: { path: "n" } },
    'refused a request of "ask" of user "ada" (INVALID): n: Invalid input: expected number, received string',
  ],
  [
    "a request that the contract does not have",
    { type: "request", ref: 1, request: "aks", payload: 1 },
    { code: "UNKNOWN_REQUEST", request: "aks" },
    'refused a request of "aks" of user "ada" (UNKNOWN_REQUEST): the contract has no request "aks", or nothing answers it',
  ],
];

test.each(refusedCalls)("%s has one line", async (_what, frame, fields, message) => {
  const { pair, logger } = await loggingBench();
  const raw = await openRaw(pair);
  raw.send(frame);
  await pair.clock.settle();
  expect(raw.of("error")).toHaveLength(1);
  expect(logger.lines.map((line) => [line.level, line.message])).toEqual([["warn", message]]);
  expect(logger.lines[0]?.fields).toMatchObject({ node: expect.any(String), user: "ada", ...fields });
});

test.each([
  ["a code of the application's own", { type: "request", ref: 1, request: "ask", payload: { n: 1 } }],
  [
    "one of a handler's",
    { type: "publish", ref: 1, room: "chat/x", event: "message", payload: { text: "rude" } },
  ],
])("%s is the application's business: it has a line for debugging alone", async (_what, frame) => {
  for (const debug of [false, true]) {
    const { pair, logger } = await loggingBench({ debug });
    const raw = await openRaw(pair);
    raw.send(frame);
    await pair.clock.settle();
    expect(logger.of("warn")).toEqual([]);
    expect(logger.of("debug").filter((line) => line.message.startsWith("refused"))).toHaveLength(
      debug ? 1 : 0,
    );
  }
});

const limits = { handshakeMs: 2000, connections: 1 };
const refusedUpgrades: [
  what: string,
  token: string | null,
  options: ServerOptions,
  fields: object,
  message: string,
][] = [
  [
    "nobody",
    null,
    {},
    { code: "UNAUTHORIZED", status: 401 },
    'refused an upgrade (401 UNAUTHORIZED): the token or cookie was not accepted: see the client\'s option "token" and the server\'s "authenticate"',
  ],
  [
    "whom authenticate refuses",
    "banned",
    {},
    { code: "FORBIDDEN", status: 403 },
    "refused an upgrade (403 FORBIDDEN): your account is closed",
  ],
  [
    "whose token has run out",
    "ada",
    { authenticate: () => ({ id: "ada", expiresAt: 1.1e12 }) as never },
    { code: "UNAUTHORIZED", status: 401 },
    "refused an upgrade (401 UNAUTHORIZED): the token ran out",
  ],
  [
    "one more than there may be",
    "ada",
    { limits: { connections: 0.5 } },
    { code: "TOO_MANY_CONNECTIONS", status: 503 },
    "",
  ],
];

test.each(refusedUpgrades)(
  "an upgrade of %s has one line",
  async (_what, token, options, fields, message) => {
    const { pair, logger } = await loggingBench(options);
    if (options.limits) await pair.socket("first");
    const raw = await pair.socket(token);
    expect(raw.closeCode).toBe(1006);
    // Why, is what a client asks next: it is no second refusal.
    await pair.transport.ask?.("ws://test/bowline", token);
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatchObject({ level: "warn", fields: { path: "/bowline", ...fields } });
    if (message) expect(logger.lines[0]?.message).toBe(message);
  },
);

test("a page of another origin has a line that says what to do", async () => {
  const { pair, logger } = await loggingBench();
  const headers = {
    origin: "https://evil.example",
    host: "app.example",
    "sec-websocket-protocol": "bowline.v1.json",
  };
  await pair.server.gate.admit({ url: "/bowline?key=hunter2", address: "::1", headers }, { holds: true });
  expect(logger.lines).toHaveLength(1);
  expect(logger.lines[0]).toMatchObject({
    level: "warn",
    message:
      'refused an upgrade (403 FORBIDDEN): origin "https://evil.example" is not allowed: add it to the server\'s option "origins"',
    fields: {
      code: "FORBIDDEN",
      status: 403,
      origin: "https://evil.example",
      path: "/bowline",
      address: "::1",
    },
  });
});

test("a drain is no news to those that come during it", async () => {
  const { pair, logger } = await loggingBench();
  await openRaw(pair);
  void pair.server.drain();
  await pair.clock.settle();
  await pair.socket("bea");
  expect(logger.lines).toEqual([]);
});

/** How a client gets itself closed. */
const closes: [
  name: string,
  options: ServerOptions,
  cause: (pair: Pair<typeof app>) => Promise<void>,
  text: RegExp,
][] = [
  [
    "BAD_FRAME",
    {},
    async (pair) => (await openRaw(pair)).socket?.send('"hi"'),
    /^closed a connection of user "ada" \(4400 BAD_FRAME\): a frame broke the protocol: not an object$/,
  ],
  [
    "HANDSHAKE_TIMEOUT",
    { limits },
    async (pair) => {
      await pair.socket("ada");
      await pair.clock.advance(10_000);
    },
    /\(4508 HANDSHAKE_TIMEOUT\): no hello came in time: see limits\.handshakeMs$/,
  ],
  [
    "SESSION_MISMATCH",
    {},
    async (pair) => {
      await openRaw(pair);
      const bea = await pair.socket("bea");
      bea.hello({ generation: 2 });
    },
    /^closed a connection of user "bea" \(4410 SESSION_MISMATCH\): the session belongs to somebody else: /,
  ],
  [
    "RATE_LIMITED",
    { limits: { framesBurst: 1, framesPerSecond: 1, throttledMs: 1 } },
    async (pair) => {
      const raw = await openRaw(pair);
      for (let n = 0; n < 20; n += 1) {
        raw.send({ type: "ping" });
        await pair.clock.advance(100);
      }
    },
    /\(4529 RATE_LIMITED\): .*: see limits\.framesPerSecond and limits\.bytesPerSecond$/,
  ],
  [
    "SLOW_CONSUMER",
    { limits: { slowBytes: 10, outboxBytes: 20 } },
    async (pair) => {
      const raw = await openRaw(pair);
      (raw.link as { bufferedBytes: number }).bufferedBytes = 1000;
      for (let n = 0; n < 20; n += 1) raw.send({ type: "ping" });
    },
    /\(4513 SLOW_CONSUMER\): .*: see limits\.outboxBytes$/,
  ],
  [
    "TOO_BIG",
    { limits: { payloadBytes: 200 } },
    async (pair) => (await openRaw(pair)).send({ type: "ping", more: "x".repeat(300) }),
    /^closed a connection of user "ada" \(1009 TOO_BIG\): .*: see limits\.payloadBytes$/,
  ],
];

test.each(closes)("a connection closed with %s has one line", async (name, options, cause, text) => {
  const { pair, logger } = await loggingBench(options);
  await cause(pair);
  await pair.clock.settle();
  expect(logger.lines).toHaveLength(1);
  expect(logger.lines[0]).toMatchObject({ level: "warn", fields: { code: name, close: expect.any(Number) } });
  expect(logger.lines[0]?.message).toMatch(text);
});

const daily: [name: string, cause: (pair: Pair<typeof app>, raw: RawSocket) => unknown][] = [
  ["goes", (_pair, raw) => raw.socket?.close(1000, "")],
  ["is lost", (pair) => pair.lastLink.cut()],
  ["is silent", async (pair) => (pair.lastLink.freeze(), pair.clock.advance(100_000))],
  ["is taken over", async (pair) => (await pair.socket("ada")).hello({ generation: 2 })],
  ["is disconnected", async (pair) => pair.server.user("ada").disconnect()],
  ["is closed at the end", async (pair) => pair.server.close()],
];

test.each(daily)("a connection that %s has a line for debugging alone", async (_name, cause) => {
  for (const debug of [false, true]) {
    const { pair, logger } = await loggingBench({ debug });
    const raw = await openRaw(pair);
    void cause(pair, raw);
    await pair.clock.settle();
    await pair.clock.settle();
    await pair.clock.advance(100_000);
    expect(logger.of("warn")).toEqual([]);
    const closed = logger.of("debug").filter(({ message }) => message.startsWith('user "ada" closed'));
    expect(closed.length).toBeGreaterThanOrEqual(debug ? 1 : 0);
    if (!debug) expect(logger.lines).toEqual([]);
  }
});

test("with debug there are lines of connects, joins, leaves, closes and drains", async () => {
  const { pair, logger } = await loggingBench({ debug: true });
  const raw = await openRaw(pair);
  raw.send({ type: "join", room: "chat/x" });
  await pair.clock.settle();
  raw.send({ type: "leave", room: "chat/x" });
  await pair.clock.settle();
  raw.socket?.close(1000, "");
  await pair.clock.settle();
  await pair.server.close();
  expect(logger.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'debug user "ada" connected',
    'debug user "ada" joined "chat/x"',
    'debug user "ada" left "chat/x"',
    'debug user "ada" closed (1000)',
    "debug draining 0 connections",
  ]);
});

describe("the broker's outage", () => {
  async function outage(options: ServerOptions = {}) {
    const inner = memory();
    const sinks: BrokerSink[] = [];
    const broker = altered(inner, {
      start: (sink, node) => {
        sinks.push(sink);
        return inner.start(sink, node);
      },
    });
    const { pair, logger } = await loggingBench({ broker, ...options });
    return { pair, logger, sink: sinks[0] as BrokerSink };
  }
  const lost = (): Error => new Error("connect ECONNREFUSED redis://:hunter2@10.0.0.5:6379");

  test("has one line when it begins and one when it ends, with the node", async () => {
    for (const onError of [undefined, () => {}]) {
      const { pair, logger, sink } = await outage(onError ? { onError } : { onError: undefined as never });
      for (let n = 0; n < 3; n += 1) sink.receiveOutage(lost());
      for (let n = 0; n < 2; n += 1) sink.receiveOutage(null);
      const [node] = (await settled(pair, pair.server.clusterStats())).nodes.keys();
      expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
        [
          "warn",
          "the broker can't be reached, clients wait for it: Error: connect ECONNREFUSED redis://10.0.0.5:6379",
        ],
        ["warn", "the broker is back"],
      ]);
      for (const { fields } of logger.lines) expect(fields["node"]).toBe(node);
    }
  });
});

async function settled<T>(pair: Pair<typeof app>, promise: Promise<T>): Promise<T> {
  await pair.clock.settle();
  return promise;
}

test("a fault goes to the logger where there is no onError, and to onError where there is one", async () => {
  for (const onError of [undefined, vi.fn()]) {
    const { pair, logger } = await loggingBench({ onError: onError as never });
    const raw = await openRaw(pair);
    raw.send({ type: "request", ref: 1, request: "ask", payload: { n: 2 } });
    await pair.clock.settle();
    expect(raw.of("error")).toMatchObject([{ code: "INTERNAL" }]);
    if (onError) expect(onError).toHaveBeenCalledOnce();
    const err = { type: "Error", message: "boom", stack: expect.stringContaining("logging-bench") };
    const line = { level: "error", message: 'request failed of "ask": Error: boom' };
    expect(logger.lines).toMatchObject(
      onError ? [] : [{ ...line, fields: { stage: "request", request: "ask", err } }],
    );
  }
});

test("of many refusals of one kind there is one line, and the next one has their number", async () => {
  const { pair, logger } = await loggingBench();
  const raw = await openRaw(pair);
  const refuse = async (): Promise<void> => {
    raw.send({ type: "join", room: "chat/staff" });
    await pair.clock.settle();
  };
  for (let n = 0; n < 10; n += 1) await refuse();
  expect(logger.lines).toHaveLength(1);
  await pair.clock.advance(10_000);
  await refuse();
  expect(logger.lines).toHaveLength(2);
  expect(logger.lines[1]?.message).toMatch(/does not allow it \(and 9 more like it before\)$/);
});

test("names that a client chose can't make a line look like another one", async () => {
  const { pair, logger } = await loggingBench();
  const raw = await openRaw(pair);
  const name = "x\nbowline: all is well\u001b[2J\u2028";
  raw.send({ type: "join", room: name });
  raw.send({ type: "request", ref: 1, request: name, payload: 1 });
  raw.send({ type: "publish", ref: 2, room: "chat/x", event: name, payload: 1 });
  raw.send({ type: `z${name}` });
  await pair.clock.settle();
  expect(logger.lines).toHaveLength(4);
  const texts = logger.lines.flatMap((line: Line) => [
    line.message,
    ...Object.values(line.fields).map(String),
  ]);
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  for (const text of texts) expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028]/);
  expect(texts[0]).toContain("x\\u000abowline: all is well\\u001b[2J\\u2028");
});
