import { describe, expect, test } from "vitest";
import { TimerWheel } from "../../src/base/timer-wheel.ts";
import type { ClientFrame, HelloFrame } from "../../src/protocol/frames.ts";
import { Connection, type ConnectionContext } from "../../src/server/connection.ts";
import type { Admitted } from "../../src/server/engine.ts";
import { Flusher } from "../../src/server/flusher.ts";
import { defaultLimits, type Limits } from "../../src/server/limits.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import { textFraming } from "../../src/testing/framing.ts";

const hello = {
  type: "hello",
  secret: "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9",
  generation: 3,
  rooms: [],
};
const session = "NBEgpHYdQGo-5Hv6w6sH0Q";
const heartbeatMs = 30_000;

function bench(limits: Partial<Limits> = {}, admitted: Partial<Admitted> = {}) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  wheel.start();
  const socket = new FakeSocket();
  const hellos: HelloFrame[] = [];
  const frames: ClientFrame[] = [];
  const log: string[] = [];
  const all = { ...defaultLimits, ...limits };
  const context: ConnectionContext = {
    clock,
    wheel,
    limits: all,
    heartbeatMs,
    flusher: new Flusher(clock, () => {}),
    framing: textFraming,
    slowBytes: all.slowBytes,
    receiveHello: (_connection, frame) => void hellos.push(frame),
    receiveFrame: (_connection, frame) => void frames.push(frame),
    alive: () => void log.push("alive"),
    ended: () => void log.push("ended"),
  };
  const connection = new Connection(context, socket, {
    ok: true,
    user: { id: "ada" },
    expiresAt: null,
    ...admitted,
  });
  const receive = (frame: object): void => {
    const text = JSON.stringify(frame);
    connection.receiveBytes(text.length, 1, 0);
    connection.receive(text);
  };
  /** As the server does it: the hello comes, and is answered. */
  const open = (): void => {
    receive(hello);
    connection.open();
  };
  const pings = (): number => socket.frames.filter(({ type }) => type === "ping").length;
  const closeCode = (): number | undefined => socket.closes[0]?.code;
  return { clock, socket, connection, hellos, frames, log, receive, open, pings, closeCode };
}

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
    connection.receiveBinary();
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
    connection.receiveBinary();
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

describe("the rate", () => {
  const limits = { framesPerSecond: 10, framesBurst: 20, throttledMs: 5000 };
  const pong = { type: "pong" };

  /** Sends as many frames a second as given, in tenths of a second, as long as it is read. */
  async function sendFor(it: ReturnType<typeof bench>, seconds: number, perSecond: number): Promise<void> {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
      for (let frame = 0; frame < perSecond / 10 && !it.socket.paused; frame += 1) it.receive(pong);
      await it.clock.advance(100);
    }
  }

  test("lets a burst through, the hello included, and slows down from the next frame on", () => {
    const { open, receive, socket } = bench(limits);
    open();
    for (let frame = 1; frame < limits.framesBurst; frame += 1) receive(pong);
    expect(socket.paused).toBe(false);
    receive(pong);
    expect(socket.paused).toBe(true);
  });

  test("loses no frame, also not those that come after it has been told to wait", () => {
    const { open, receive, frames } = bench(limits);
    open();
    for (let frame = 0; frame < 50; frame += 1) receive({ type: "leave", room: String(frame) });
    expect(frames.map((frame) => frame.type === "leave" && frame.room)).toEqual(
      Array.from({ length: 50 }, (_, frame) => String(frame)),
    );
  });

  test("reads on after a while, and waits longer the more it was overdrawn", async () => {
    const { clock, open, receive, socket } = bench(limits);
    open();
    for (let frame = 0; frame < 20; frame += 1) receive(pong);
    await clock.advance(249);
    expect(socket.paused).toBe(true);
    await clock.advance(1);
    expect(socket.paused).toBe(false);
    for (let frame = 0; frame < 30; frame += 1) receive(pong);
    await clock.advance(250);
    receive(pong);
    await clock.advance(2000);
    expect(socket.paused).toBe(true);
    await clock.advance(1000);
    expect(socket.paused).toBe(false);
  });

  test("as high as it may be for long is never slowed down for good", async () => {
    const it = bench(limits);
    it.open();
    await sendFor(it, 60, limits.framesPerSecond);
    expect(it.closeCode()).toBeUndefined();
  });

  test("too high for longer than throttledMs closes with 4529", async () => {
    const it = bench(limits);
    it.open();
    await sendFor(it, 5, 100);
    expect(it.closeCode()).toBeUndefined();
    await sendFor(it, 5, 100);
    expect(it.closeCode()).toBe(4529);
  });

  test("too high for throttledMs, and not longer, closes nothing", async () => {
    const { clock, open, receive, closeCode } = bench(limits);
    open();
    for (let frame = 0; frame < 3 * limits.framesBurst; frame += 1) receive(pong);
    await clock.advance(limits.throttledMs - 1000);
    for (let frame = 0; frame < 2 * limits.framesBurst; frame += 1) receive(pong);
    await clock.advance(1000);
    receive(pong);
    expect(closeCode()).toBeUndefined();
    await clock.advance(1);
    receive(pong);
    expect(closeCode()).toBe(4529);
  });

  test("too high again after a rest begins to count anew", async () => {
    const it = bench(limits);
    it.open();
    for (let spell = 0; spell < 4; spell += 1) {
      await sendFor(it, 4, 100);
      await it.clock.advance(5000);
    }
    expect(it.closeCode()).toBeUndefined();
  });

  test("counts every frame of the socket, whatever it is and however many come at once", async () => {
    const it = bench(limits);
    it.open();
    it.connection.receiveBytes(0, limits.framesBurst - 1, 0);
    expect(it.socket.paused).toBe(false);
    it.connection.receiveBytes(0, 30, 0);
    await it.clock.advance(2999);
    expect(it.socket.paused).toBe(true);
    await it.clock.advance(1);
    expect(it.socket.paused).toBe(false);
  });

  test("is over at once for one that would have to wait longer than throttledMs for what it sent at once", () => {
    const it = bench(limits);
    it.open();
    it.connection.receiveBytes(0, limits.framesBurst + 49, 0);
    expect([it.socket.paused, it.closeCode()]).toEqual([true, undefined]);
    it.connection.receiveBytes(0, 2, 0);
    expect(it.closeCode()).toBe(4529);
  });

  test("counts bytes as well: a burst, then as many a second, and 4529 after throttledMs", async () => {
    const it = bench({ bytesPerSecond: 100, bytesBurst: 1000, throttledMs: 5000 });
    it.open();
    it.connection.receiveBytes(1000 - JSON.stringify(hello).length, 1, 0);
    expect(it.socket.paused).toBe(false);
    it.connection.receiveBytes(400, 1, 0);
    await it.clock.advance(3999);
    expect(it.socket.paused).toBe(true);
    await it.clock.advance(1);
    expect(it.socket.paused).toBe(false);
    it.connection.receiveBytes(200, 1, 0);
    await it.clock.advance(2000);
    expect([it.socket.paused, it.closeCode()]).toEqual([false, undefined]);
    it.connection.receiveBytes(1, 1, 0);
    expect(it.closeCode()).toBe(4529);
  });

  test("slowed down for longer than two heartbeats is not taken for silence", async () => {
    const it = bench({ ...limits, framesPerSecond: 1, throttledMs: 1_000_000 });
    it.open();
    for (let frame = 0; frame < 110; frame += 1) it.receive(pong);
    await it.clock.advance(1000);
    it.receive(pong);
    expect(it.socket.paused).toBe(true);
    await it.clock.advance(80_000);
    expect([it.socket.paused, it.closeCode()]).toEqual([true, undefined]);
  });
});

describe("a message that has begun", () => {
  const messageMs = 5000;

  test("must end in time, whatever comes in between", async () => {
    const it = bench({ messageMs });
    it.open();
    it.connection.receiveBytes(10, 1, 7);
    for (let ping = 0; ping < 5; ping += 1) {
      expect(it.closeCode()).toBeUndefined();
      await it.clock.advance(1000);
      it.connection.receiveBytes(6, 1, 7);
    }
    await it.clock.advance(1000);
    expect(it.closeCode()).toBe(4507);
  });

  test("is timed by itself: one that follows it at once has its own time", async () => {
    const it = bench({ messageMs });
    it.open();
    for (let message = 1; message < 10; message += 1) {
      it.connection.receiveBytes(10, 1, message);
      await it.clock.advance(4000);
    }
    it.connection.receiveBytes(10, 1, 0);
    await it.clock.advance(20_000);
    expect(it.closeCode()).toBeUndefined();
  });

  test("is not timed while it is not read", async () => {
    const it = bench({ messageMs, bytesPerSecond: 10, bytesBurst: 1000, throttledMs: 200_000 });
    it.open();
    it.connection.receiveBytes(2000, 1, 1);
    await it.clock.advance(100_000);
    expect(it.socket.paused).toBe(true);
    await it.clock.advance(12_000);
    expect([it.socket.paused, it.closeCode()]).toEqual([false, undefined]);
    await it.clock.advance(6000);
    expect(it.closeCode()).toBe(4507);
  });
});

describe("replies that are not read", () => {
  const outboxBytes = 1000;

  test("may be as much as outboxBytes for any time, and more for 2 s; then it is closed with 4513", async () => {
    const { clock, open, connection, closeCode, socket } = bench({ outboxBytes, slowBytes: 100 });
    open();
    socket.buffered = 2000;
    connection.sendText("x".repeat(outboxBytes));
    connection.sendText("y");
    await clock.advance(10_000);
    connection.sendText("z");
    await clock.advance(2000);
    connection.sendText("z");
    expect(closeCode()).toBeUndefined();
    await clock.advance(1);
    connection.sendText("z");
    expect(closeCode()).toBe(4513);
  });

  test("are made one at a time where they are large, each when the one before it has nearly left", async () => {
    const { clock, open, connection, socket } = bench({ slowBytes: 100 });
    open();
    const made: number[] = [];
    const pace = (number: number): Promise<void> =>
      connection.pace(async () => {
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
      connection.sendText("x".repeat(outboxBytes));
      await clock.settle();
      socket.buffered = 0;
      connection.sendText("y");
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
