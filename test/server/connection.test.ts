import { describe, expect, test } from "vitest";
import { FakeClock } from "../support/fake-clock.ts";
import type { Connection } from "../../src/server/connection.ts";
import { jsonCodec } from "../../src/server/json-codec.ts";
import { textFormat } from "../support/formats.ts";
import { connectionBench as bench, heartbeatMs, hello, session } from "../support/connection-bench.ts";

describe("a connection", () => {
  test("takes a hello, and then everything else", () => {
    const { open, receive, hellos, frames, connection } = bench();
    open();
    receive({ type: "leave", room: "r" });
    expect(hellos).toEqual([hello]);
    expect(frames).toEqual([{ type: "leave", room: "r" }]);
    expect(connection).toMatchObject({ session, generation: 3, user: { id: "ada" } });
  });

  test("acts for its own session where nobody authenticates", () => {
    const { open, connection } = bench({}, { user: null });
    open();
    expect(connection.user).toEqual({ id: session });
  });

  test.each([
    ["anything before the hello", [{ type: "leave", room: "r" }]],
    ["a frame before the hello was answered", [hello, { type: "leave", room: "r" }]],
    ["a second hello", [hello, hello]],
    ["what is no frame", [{ type: "confetti" }]],
  ])("closes with 4400 on %s", (_what, given) => {
    const { receive, closeCode, log } = bench();
    for (const frame of given) receive(frame);
    expect(closeCode()).toBe(4400);
    expect(log).toEqual(["ended"]);
  });

  test("closes with 4400 on a binary message", () => {
    const { open, connection, closeCode } = bench();
    open();
    connection.receive(new Uint8Array([123, 125]));
    expect(closeCode()).toBe(4400);
  });

  test("says why it closes, in what a close frame can hold", () => {
    const { connection, socket } = bench();
    connection.close("KICKED", "ü".repeat(500));
    const { reason } = socket.closes[0] as { reason: string };
    expect(reason).toMatch(/^the server ended this connection on purpose: ü+$/);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(Buffer.byteLength(reason)).toBeGreaterThan(120);
  });

  test("cuts no character of its reason in two", () => {
    const { connection, socket } = bench();
    connection.close("KICKED", "🪢".repeat(500));
    expect(socket.closes[0]?.reason.isWellFormed()).toBe(true);
  });

  test("sends what was sent before it was closed, and nothing after", async () => {
    const { clock, open, connection, socket } = bench();
    open();
    connection.send({ type: "pong" });
    connection.close("KICKED");
    connection.send({ type: "pong" });
    await clock.settle();
    expect(socket.frames).toEqual([{ type: "pong" }]);
  });

  test("hears nothing more once it is closed, and ends once", () => {
    const { open, receive, connection, frames, log, socket } = bench();
    open();
    connection.close("KICKED");
    receive({ type: "leave", room: "r" });
    connection.receiveBytes(10, 1, 1);
    connection.receive(new Uint8Array(2));
    connection.close("INTERNAL");
    connection.closed(1006);
    expect([frames, log, socket.closes.length]).toEqual([[], ["ended"], 1]);
  });

  test("leaves no timer behind when its socket ends while it is slowed down", () => {
    const { clock, open, receive, connection } = bench({ framesBurst: 1 });
    open();
    receive({ type: "pong" });
    receive({ type: "pong" });
    expect(clock.timerCount).toBe(2);
    connection.closed(1006);
    // The wheel's own.
    expect(clock.timerCount).toBe(1);
  });
});

describe("the time for the hello", () => {
  test("ends after handshakeMs, and not before", async () => {
    const { clock, closeCode } = bench({ handshakeMs: 10_000 });
    await clock.advance(9999);
    expect(closeCode()).toBeUndefined();
    await clock.advance(1);
    expect(closeCode()).toBe(4508);
  });

  test("includes the time that answering it takes", async () => {
    const { clock, receive, closeCode } = bench({ handshakeMs: 10_000 });
    receive(hello);
    await clock.advance(10_000);
    expect(closeCode()).toBe(4508);
  });

  test("may be longer than two minutes", async () => {
    const { clock, closeCode } = bench({ handshakeMs: 300_000 });
    await clock.advance(299_000);
    expect(closeCode()).toBeUndefined();
    await clock.advance(2000);
    expect(closeCode()).toBe(4508);
  });
});

describe("the heartbeat", () => {
  test("asks a silent connection for life after one, and gives it up after two", async () => {
    const { clock, open, pings, closeCode } = bench();
    open();
    await clock.advance(heartbeatMs - 1);
    expect(pings()).toBe(0);
    await clock.advance(1001);
    expect(pings()).toBe(1);
    await clock.advance(heartbeatMs - 1001);
    expect(closeCode()).toBeUndefined();
    await clock.advance(heartbeatMs / 4 + 1000);
    expect(closeCode()).toBe(4500);
  });

  test.each([
    ["a pong", (it: ReturnType<typeof bench>) => it.receive({ type: "pong" })],
    ["any frame", (it: ReturnType<typeof bench>) => it.receive({ type: "leave", room: "r" })],
    ["a ping of the socket's own", (it: ReturnType<typeof bench>) => it.connection.receiveBytes(6, 1, 0)],
  ])("takes %s as life", async (_what, live) => {
    const it = bench();
    it.open();
    for (let beat = 0; beat < 10; beat += 1) {
      await it.clock.advance(heartbeatMs);
      live(it);
    }
    expect(it.closeCode()).toBeUndefined();
    expect(it.log.filter((entry) => entry === "alive").length).toBeGreaterThanOrEqual(9);
  });

  test("pings a client that only sends, so that it knows of us", async () => {
    const { clock, open, receive, pings } = bench();
    open();
    for (let second = 0; second < 40; second += 1) {
      await clock.advance(1000);
      receive({ type: "leave", room: "r" });
    }
    expect(pings()).toBe(1);
  });

  test("pings nobody who hears and says enough", async () => {
    const { clock, open, receive, connection, pings } = bench();
    open();
    for (let second = 0; second < 50; second += 1) {
      await clock.advance(1000);
      receive({ type: "leave", room: "r" });
      connection.send({ type: "left", room: "r" });
    }
    expect(pings()).toBe(0);
  });

  test("gives up a client that was slowed down once and then fell silent", async () => {
    const { clock, open, receive, closeCode } = bench({ framesBurst: 5 });
    open();
    for (let frame = 0; frame < 6; frame += 1) receive({ type: "pong" });
    await clock.advance(4 * heartbeatMs);
    expect(closeCode()).toBe(4500);
  });
});

describe("a process that was held up", () => {
  const pong = { type: "pong" };

  test("reads what came meanwhile before it gives anybody up", async () => {
    const { clock, open, receive, closeCode } = bench();
    open();
    await clock.holdUp(10 * heartbeatMs, () => receive(pong));
    expect(closeCode()).toBeUndefined();
  });

  test("asks who said nothing, as it has not done so before, and gives them up without an answer", async () => {
    const { clock, open, receive, pings, closeCode } = bench();
    open();
    await clock.holdUp(10 * heartbeatMs, () => {});
    expect([pings(), closeCode()]).toEqual([1, undefined]);
    receive(pong);
    await clock.holdUp(10 * heartbeatMs, () => {});
    expect(closeCode()).toBeUndefined();
    await clock.advance(heartbeatMs);
    expect(closeCode()).toBe(4500);
  });

  test("takes a hello that lay there in time, and gives it the time that answering takes", async () => {
    const { clock, receive, connection, closeCode } = bench({ handshakeMs: 10_000 });
    await clock.holdUp(30_000, () => receive(hello));
    expect(closeCode()).toBeUndefined();
    connection.open();
    await clock.advance(10_000);
    expect(closeCode()).toBeUndefined();
  });

  test("gives a hello that can't be answered up all the same, and one that did not come", async () => {
    const unanswered = bench({ handshakeMs: 10_000 });
    await unanswered.clock.holdUp(30_000, () => unanswered.receive(hello));
    await unanswered.clock.advance(11_000);
    expect(unanswered.closeCode()).toBe(4508);
    const silent = bench({ handshakeMs: 10_000 });
    await silent.clock.holdUp(30_000, () => {});
    expect(silent.closeCode()).toBe(4508);
  });
});

describe("a token that runs out", () => {
  test("closes the connection with 4401 then, and not before", async () => {
    const clock = new FakeClock();
    const lifeMs = 90_000;
    const it = bench({}, { expiresAt: clock.now() + lifeMs });
    it.open();
    for (let elapsedMs = 0; elapsedMs < lifeMs - 1000; elapsedMs += 1000) {
      await it.clock.advance(1000);
      it.receive({ type: "pong" });
    }
    expect(it.closeCode()).toBeUndefined();
    await it.clock.advance(1500);
    expect(it.closeCode()).toBe(4401);
  });

  test("is noticed also when it is hours away", async () => {
    const clock = new FakeClock();
    const it = bench({}, { expiresAt: clock.now() + 600_000 });
    it.open();
    for (let beat = 0; beat < 59; beat += 1) {
      await it.clock.advance(10_000);
      it.receive({ type: "pong" });
    }
    expect(it.closeCode()).toBeUndefined();
    await it.clock.advance(11_000);
    expect(it.closeCode()).toBe(4401);
  });
});

describe("replies that are not read", () => {
  const outboxBytes = 1000;
  /** Sends a reply of so many characters. */
  const fill = (connection: Connection, length: number): void =>
    connection.own.reply(1, "x".repeat(length - '{"type":"reply","ref":1,"payload":}'.length));

  test("may be as much as outboxBytes for any time, and more for 2 s; then it is closed with 4513", async () => {
    const { clock, open, connection, closeCode, socket } = bench({ outboxBytes, slowBytes: 100 });
    open();
    socket.buffered = 2000;
    fill(connection, outboxBytes);
    connection.send({ type: "pong" });
    await clock.advance(10_000);
    connection.send({ type: "pong" });
    await clock.advance(2000);
    connection.send({ type: "pong" });
    expect(closeCode()).toBeUndefined();
    await clock.advance(1);
    connection.send({ type: "pong" });
    expect(closeCode()).toBe(4513);
  });

  test("are made one at a time where they are large, each when the one before it has nearly left", async () => {
    const { clock, open, connection, socket } = bench({ slowBytes: 100 });
    open();
    const made: number[] = [];
    const pace = (number: number): Promise<void> =>
      connection.own.pace(async () => {
        await Promise.resolve();
        made.push(number);
        socket.buffered = 1000;
      });
    const all = [pace(1), pace(2), pace(3)];
    await clock.settle();
    expect(made).toEqual([1]);
    socket.buffered = 0;
    connection.outbox.checkDrained();
    await clock.settle();
    expect(made).toEqual([1, 2]);
    connection.closed(1006);
    await Promise.all(all);
  });

  test("are counted anew once the socket has drained", async () => {
    const { clock, open, connection, closeCode, socket } = bench({ outboxBytes, slowBytes: 100 });
    open();
    for (let round = 0; round < 3; round += 1) {
      socket.buffered = 101;
      fill(connection, outboxBytes);
      await clock.settle();
      socket.buffered = 0;
      connection.send({ type: "pong" });
      await clock.settle();
    }
    expect(closeCode()).toBeUndefined();
  });

  test("are counted apart from what rooms have sent, however much that is", () => {
    const { open, connection, closeCode, socket } = bench({ outboxBytes });
    open();
    socket.buffered = 100 * outboxBytes;
    connection.send({ type: "pong" });
    expect(closeCode()).toBeUndefined();
  });
});

test.each<[what: string, send: (connection: Connection) => void]>([
  ["frame", (connection) => connection.send({ type: "pong" })],
  ["reply", (connection) => connection.own.reply(1, "null")],
  [
    "list",
    (connection) =>
      connection.own.joined(
        { type: "joined", room: "r", position: { offset: 0, epoch: "e" }, head: 0 },
        { members: "[]" },
      ),
  ],
])("a codec that can't write a %s ends its connection, and throws at nobody", async (_what, send) => {
  const fail = (): never => {
    throw new Error("broken");
  };
  const codec = { ...jsonCodec, frame: fail, reply: fail, list: fail };
  const { open, connection, socket, log } = bench({}, {}, { ...textFormat, codec });
  open();
  send(connection);
  send(connection);
  expect(socket.closes.map(({ code }) => code)).toEqual([1011]);
  expect(log).toEqual(["Error: broken", "ended"]);
});
