import { describe, expect, test } from "vitest";
import { connectionBench as bench, hello } from "../support/connection-bench.ts";

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
