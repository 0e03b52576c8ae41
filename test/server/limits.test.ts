import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { ledgerLength } from "../../src/server/broker.ts";
import { defaultLimits, resolveLimits, type Limits } from "../../src/server/limits.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { altered } from "../support/log-broker.ts";
import { Pair } from "../support/pair.ts";

// What is asked of a single connection (handshakeMs, messageMs, framesPerSecond, framesBurst, bytesPerSecond, bytesBurst,
// throttledMs, outboxBytes) is tested with the connection, requestMs and brokerMs in callbacks.test.ts,
// slowBytes with the hub's rooms and the outbox, payloadBytes over real sockets in test/fuzz.

const chat = contract({
  rooms: {
    "chat/:room": room({ events: { message: event(z.any()), typing: signal(z.any()) }, presence: z.any() }),
  },
  requests: { wait: request({ input: z.any(), output: z.any() }) },
});

async function bench(limits: Partial<Limits>, options: ServerOptions = {}) {
  const pair = new Pair(chat, { limits, ...options });
  const finish: (() => void)[] = [];
  const waits = (): Promise<void> => new Promise<void>((resolve) => finish.push(resolve));
  pair.server.room("chat/:room", { on: { message: waits, typing: waits } });
  pair.server.request("wait", waits);
  await pair.start();
  const connect = async (session = "session-0001-and-secret") => {
    const raw = await pair.socket();
    raw.hello({ secret: session });
    await pair.clock.settle();
    const send = async (frame: object): Promise<void> => {
      raw.send(frame);
      await pair.clock.settle();
    };
    const codes = (): unknown[] => raw.of("error").map(({ code }) => code);
    return { raw, send, codes, joined: () => raw.of("joined").map((frame) => frame["room"]) };
  };
  return { pair, connect, finish };
}

describe("connections", () => {
  test("may be as many as the limit, and one more is refused with 503", async () => {
    const { pair } = await bench({ connections: 2 });
    const first = await pair.socket();
    expect((await pair.socket()).isOpen).toBe(true);
    expect((await pair.socket()).closeCode).toBe(1006);
    expect(await pair.transport.ask("", null)).toMatchObject({
      status: 503,
      code: "TOO_MANY_CONNECTIONS",
      retryAfterMs: 5000,
    });
    first.link?.cut();
    await pair.clock.settle();
    expect((await pair.socket()).isOpen).toBe(true);
  });
});

describe("rooms", () => {
  test("may be as many as the limit, and one more is refused with TOO_MANY_ROOMS", async () => {
    const { connect } = await bench({ rooms: 2 });
    const { send, codes, joined } = await connect();
    for (const name of ["a", "b", "c"]) await send({ type: "join", room: `chat/${name}` });
    expect(joined()).toEqual(["chat/a", "chat/b"]);
    expect(codes()).toEqual(["TOO_MANY_ROOMS"]);
    await send({ type: "leave", room: "chat/a" });
    await send({ type: "join", room: "chat/c" });
    expect(joined()).toContain("chat/c");
  });

  test("of a hello count as well, and the limit is as sharp where all come at once", async () => {
    const { pair } = await bench({ rooms: 3 });
    const raw = await pair.socket();
    raw.hello({ rooms: ["a", "b", "c", "d"].map((name) => ({ room: `chat/${name}` })) });
    await pair.clock.settle();
    expect(raw.of("joined")).toHaveLength(3);
    expect(raw.of("error").map(({ code }) => code)).toEqual(["TOO_MANY_ROOMS"]);
  });

  test("being joined count once, however long the broker takes", async () => {
    const inner = memory();
    const held: (() => void)[] = [];
    const broker = altered(inner, {
      members: async (name, limit) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return inner.members(name, limit);
      },
    });
    const { connect, pair } = await bench({ rooms: 2 }, { broker });
    const { send, codes, joined } = await connect();
    await send({ type: "join", room: "chat/a" });
    await send({ type: "join", room: "chat/b" });
    while (held.length > 0) {
      for (const answer of held.splice(0)) answer();
      await pair.clock.settle();
    }
    expect([joined(), codes()]).toEqual([["chat/a", "chat/b"], []]);
  });

  test("that a refused join asked for are not counted", async () => {
    const { connect } = await bench({ rooms: 1 });
    const { send, joined } = await connect();
    await send({ type: "join", room: "nowhere" });
    await send({ type: "join", room: "chat/a" });
    expect(joined()).toEqual(["chat/a"]);
  });
});

describe("pending calls", () => {
  test("may be twice as many as the window, and one more is refused with TOO_MANY_PENDING, retryable", async () => {
    const { connect, finish, pair } = await bench({ pending: 3 });
    const { send, raw } = await connect();
    for (let ref = 1; ref <= 7; ref += 1)
      await send({ type: "request", ref, request: "wait", payload: null });
    expect(raw.of("error")).toEqual([
      {
        type: "error",
        ref: 7,
        code: "TOO_MANY_PENDING",
        message: expect.any(String) as string,
        retryable: true,
      },
    ]);
    finish[0]?.();
    await pair.clock.settle();
    await send({ type: "request", ref: 8, request: "wait", payload: null });
    expect(raw.of("error")).toHaveLength(1);
  });

  test("are publishes and requests together", async () => {
    const { connect } = await bench({ pending: 1 });
    const { send, codes } = await connect();
    await send({ type: "publish", ref: 1, room: "chat/a", event: "message", payload: 1 });
    await send({ type: "request", ref: 2, request: "wait", payload: 1 });
    expect(codes()).toEqual([]);
    await send({ type: "publish", ref: 3, room: "chat/b", event: "message", payload: 1 });
    expect(codes()).toEqual(["TOO_MANY_PENDING"]);
  });

  test("are what clients are told as their window, as far as the ledger reaches", async () => {
    const window = async (pending: number) => {
      const { connect } = await bench({ pending });
      return (await connect()).raw.of("welcome")[0]?.["window"];
    };
    expect(await window(7)).toBe(7);
    expect(await window(10_000)).toBe(ledgerLength);
  });

  test("leave as many other frames besides as there may be rooms more", async () => {
    const { connect } = await bench({ pending: 2, rooms: 3 });
    const { send, raw } = await connect();
    await send({ type: "join", room: "chat/a" });
    for (let signals = 1; signals <= 5; signals += 1)
      await send({ type: "signal", room: "chat/a", event: "typing", payload: signals });
    expect(raw.of("error")).toEqual([]);
    await send({ type: "signal", room: "chat/a", event: "typing", payload: 6 });
    expect(raw.of("error")).toMatchObject([{ code: "TOO_MANY_PENDING", room: "chat/a", of: "signal" }]);
  });
});

describe("history", () => {
  test("of a join may be as long as the limit; asking for more gives that many", async () => {
    const { connect, pair } = await bench({ historyCount: 3 });
    for (let count = 0; count < 10; count += 1) {
      await pair.server.publish("chat/a", "message", count);
    }
    const offsets = async (session: string, history: number) => {
      const { raw, send } = await connect(session);
      await send({ type: "join", room: "chat/a", history });
      return raw.of("event").map(({ offset }) => offset);
    };
    expect(await offsets("session-000a-and-secret", 3)).toEqual([8, 9, 10]);
    expect(await offsets("session-000b-and-secret", 4)).toEqual([8, 9, 10]);
    expect(await offsets("session-000c-and-secret", 2)).toEqual([9, 10]);
  });
});

describe("members of a presence list", () => {
  test("may be as many as the limit; of one more, only the count is told", async () => {
    const { connect } = await bench({ presenceMembers: 2 });
    const listed = async (session: string) => {
      const { raw, send } = await connect(session);
      await send({ type: "join", room: "chat/a", presence: session });
      const [joined] = raw.of("joined");
      const { members, count } = joined as unknown as { members?: unknown[]; count?: number };
      return { listed: members?.length, count };
    };
    expect(await listed("session-000a-and-secret")).toEqual({ listed: 1 });
    expect(await listed("session-000b-and-secret")).toEqual({ listed: 2 });
    expect(await listed("session-000c-and-secret")).toEqual({ count: 3 });
  });
});

describe("a presence state", () => {
  test("may have as many bytes as the limit; a larger one is refused with PAYLOAD_TOO_LARGE", async () => {
    const { connect } = await bench({ presenceStateBytes: 10 });
    const { raw, send } = await connect();
    // With its quotes, and two bytes for each of these.
    await send({ type: "join", room: "chat/a", presence: "üüüü" });
    await send({ type: "presence", room: "chat/a", payload: "12345678" });
    await send({ type: "join", room: "chat/b", presence: "üüüüü" });
    await send({ type: "presence", room: "chat/a", payload: "123456789" });
    expect(raw.of("joined")).toHaveLength(1);
    expect(raw.of("error")).toMatchObject([
      { code: "PAYLOAD_TOO_LARGE", room: "chat/b", of: "join" },
      { code: "PAYLOAD_TOO_LARGE", room: "chat/a", of: "presence" },
    ]);
    expect(raw.of("error")[1]?.["message"]).toBe(
      "chat/a: the presence state has 11 bytes, and may have 10 (limits.presenceStateBytes)",
    );
  });
});

describe("members of one user", () => {
  const byToken: ServerOptions = { authenticate: ({ token }) => ({ id: token ?? "" }) };

  /** The states of everybody present. */
  async function present(pair: Pair<typeof chat>): Promise<unknown> {
    const { list } = await pair.broker.members("chat/a", 100);
    return list.map(({ state }) => state);
  }

  /** Enters with a session of its own, whose name is its state. */
  async function enter(pair: Pair<typeof chat>, session: string, user = "ada") {
    const raw = await pair.socket(user);
    raw.hello({ secret: `${session}-and-secret`, rooms: [{ room: "chat/a", presence: session }] });
    await pair.clock.settle();
    expect(raw.of("joined")).toHaveLength(1);
    return raw;
  }

  test("may be as many as the limit; one more takes the place of the oldest", async () => {
    const { pair } = await bench({ membersPerUser: 2 }, byToken);
    for (const session of ["session-000a", "session-000b", "session-000c"]) await enter(pair, session);
    await enter(pair, "session-000d", "bob");
    expect(await present(pair)).toEqual(["session-000b", "session-000c", "session-000d"]);
  });

  test("that are gone, and stay for the grace time, make way first", async () => {
    const { pair } = await bench({ membersPerUser: 3 }, byToken);
    const [, second] = [await enter(pair, "session-000a"), await enter(pair, "session-000b")];
    await enter(pair, "session-000c");
    second.link?.cut();
    await enter(pair, "session-000d");
    expect(await present(pair)).toEqual(["session-000a", "session-000c", "session-000d"]);
  });

  test("opened and dropped one after another switch off no list", async () => {
    const { pair } = await bench({ presenceMembers: 20 }, byToken);
    await enter(pair, "session-0bob", "bob");
    for (let serial = 1000; serial < 1100; serial += 1) {
      const raw = await enter(pair, `session-${serial}`);
      raw.link?.cut();
      await pair.clock.settle();
    }
    expect(await present(pair)).toHaveLength(11);
  });

  test("give their places back", async () => {
    const { pair } = await bench({ membersPerUser: 1 }, byToken);
    const first = await enter(pair, "session-000a");
    first.send({ type: "leave", room: "chat/a" });
    await pair.clock.settle();
    const second = await enter(pair, "session-000b");
    second.link?.cut();
    await pair.clock.advance(12_000);
    expect(await present(pair)).toEqual([]);
    await enter(pair, "session-000c");
    expect(await present(pair)).toEqual(["session-000c"]);
  });
});

test("two joins in one hello are answered where the first list alone is larger than what may wait", async () => {
  const limits = { outboxBytes: 10_000, slowBytes: 1000, presenceBytes: 100_000, presenceStateBytes: 60_000 };
  const { pair, connect } = await bench(limits);
  const { send } = await connect("session-list-and-secret");
  await send({ type: "join", room: "chat/a", presence: "x".repeat(50_000) });
  const raw = await pair.socket();
  raw.hello({ rooms: ["chat/a", "chat/b", "chat/c"].map((name) => ({ room: name })) });
  await pair.clock.settle();
  expect([raw.of("joined").length, raw.closeCode]).toEqual([3, null]);
});

describe("hooks and handlers", () => {
  const never = (): Promise<never> => new Promise(() => {});

  test.each([
    [
      "publish",
      { type: "publish", ref: 1, room: "chat/a", event: "message", payload: 1 },
      { on: { message: never } },
    ],
    ["join", { type: "join", room: "chat/a" }, { join: never }],
  ] as const)(
    "of a %s are waited for as long as the limit, and what is behind them goes on",
    async (_what, frame, hooks) => {
      const reported: unknown[] = [];
      const onError = (error: unknown): void => void reported.push(String(error));
      const pair = new Pair(chat, { limits: { handlerMs: 2000 }, onError });
      pair.server.room("chat/:room", hooks);
      pair.server.request("wait", never);
      await pair.start();
      const raw = await pair.socket();
      raw.hello();
      await pair.clock.settle();
      raw.send(frame);
      raw.send({ type: "leave", room: "chat/a" });
      await pair.clock.advance(1999);
      expect([raw.of("error"), raw.of("left")]).toEqual([[], []]);
      await pair.clock.advance(1);
      expect(raw.of("error")).toMatchObject([{ code: "INTERNAL" }]);
      expect(raw.of("left")).toHaveLength(1);
      expect(reported).toEqual([expect.stringMatching(/took longer than 2000 ms \(limits\.handlerMs\)/)]);
    },
  );
});

describe("the options", () => {
  test("are the defaults unless told otherwise", () => {
    expect(resolveLimits()).toEqual(defaultLimits);
    expect(resolveLimits({ rooms: 5 })).toEqual({ ...defaultLimits, rooms: 5 });
  });

  test.each([0, -1, NaN, "5", null, undefined])("refuse %j, and name the limit", (value) => {
    expect(() => resolveLimits({ rooms: value as never })).toThrow(/limits\.rooms must be a number above 0/);
  });

  test("refuse messages of any size", () => {
    expect(() => resolveLimits({ payloadBytes: Infinity })).toThrow(/limits\.payloadBytes must be a number/);
  });

  test("let a frame to a client be as large as a message from one, and no larger than every client takes", () => {
    const max = 16 * 1024 * 1024;
    expect(resolveLimits({ payloadBytes: 2_000_000 }).frameBytes).toBe(2_004_096);
    expect(resolveLimits({ payloadBytes: max - 4096 }).frameBytes).toBe(max);
    expect(resolveLimits({ frameBytes: 69_632, presenceBytes: 100_000 }).presenceBytes).toBe(65_536);
    for (const limits of [{ payloadBytes: max }, { frameBytes: max + 1 }, { frameBytes: 69_631 }])
      expect(() => resolveLimits(limits)).toThrow(
        /^limits\.frameBytes must be \d+ \(limits\.payloadBytes and/,
      );
  });

  test("refuse a limit there is not, and name those there are", () => {
    expect(() => resolveLimits({ room: 5 } as never)).toThrow(
      /limits: unknown option "room": did you mean "rooms"\? Options are: connections, /,
    );
    expect(() => resolveLimits({ toString: 5 } as never)).toThrow(/unknown option "toString"/);
  });

  test("may turn a limit off", () => {
    expect(resolveLimits({ connections: Infinity }).connections).toBe(Infinity);
  });
});

test("every bound of a server has a test at the bound: add one with the next bound", () => {
  const tested = [
    "connections",
    "payloadBytes",
    "frameBytes",
    "handshakeMs",
    "rooms",
    "pending",
    "framesPerSecond",
    "framesBurst",
    "bytesPerSecond",
    "bytesBurst",
    "messageMs",
    "throttledMs",
    "handlerMs",
    "requestMs",
    "brokerMs",
    "slowBytes",
    "outboxBytes",
    "historyCount",
    "presenceMembers",
    "presenceBytes",
    "presenceStateBytes",
    "membersPerUser",
  ];
  expect(Object.keys(defaultLimits).toSorted()).toEqual(tested.toSorted());
});
