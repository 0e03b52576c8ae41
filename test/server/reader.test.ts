import { describe, expect, test } from "vitest";
import type { Reader } from "../../src/server/reader.ts";
import { hubBench, range, retryMs, slowBytes } from "../support/hub-bench.ts";

describe("joining", () => {
  test("fresh begins at the end", async () => {
    const { broker, join, publish } = hubBench();
    broker.publish(5);
    const ada = await join();
    await publish(1);
    expect(ada.start).toEqual({ offset: 5, epoch: "one" });
    expect(ada.told).toEqual([6]);
  });

  test("with history begins so many publications before the end", async () => {
    const { broker, join } = hubBench();
    broker.publish(5);
    const ada = await join({ history: 2 });
    expect(ada.start?.offset).toBe(3);
    expect(ada.told).toEqual([4, 5]);
  });

  test("with more history than there is begins at what is held, without a gap", async () => {
    const { broker, join } = hubBench();
    broker.publish(5);
    broker.trimTo(2);
    const ada = await join({ history: 99 });
    expect(ada.start?.offset).toBe(2);
    expect(ada.told).toEqual([3, 4, 5]);
  });

  test("at a position reads on from there", async () => {
    const { broker, join, publish } = hubBench();
    broker.publish(5);
    const ada = await join({ position: { offset: 2, epoch: "one" } });
    await publish(1);
    expect(ada.start).toEqual({ offset: 2, epoch: "one" });
    expect(ada.told).toEqual([3, 4, 5, 6]);
  });

  test("at the end is no gap, and gets nothing again", async () => {
    const { broker, join } = hubBench();
    broker.publish(5);
    expect((await join({ position: { offset: 5, epoch: "one" } })).told).toEqual([]);
  });

  test("at the last position that can be read on from is no gap; one before it is", async () => {
    const { broker, join } = hubBench();
    broker.publish(10);
    broker.trimTo(4);
    expect((await join({ position: { offset: 4, epoch: "one" } })).told).toEqual(range(5, 10));
    const late = await join({ position: { offset: 3, epoch: "one" } });
    expect(late.start).toEqual({ offset: 10, epoch: "one" });
    expect(late.told).toEqual(["trimmed→10"]);
  });

  test("at a position that was trimmed takes the history that was asked for", async () => {
    const { broker, join } = hubBench();
    broker.publish(10);
    broker.trimTo(4);
    const ada = await join({ position: { offset: 1, epoch: "one" }, history: 2 });
    expect(ada.told).toEqual(["trimmed→8", 9, 10]);
  });

  test("at a position of a log that is lost is told so, and reads the new one from its beginning", async () => {
    const { broker, join } = hubBench();
    broker.beginAnew("two");
    broker.publish(3);
    const ada = await join({ position: { offset: 1, epoch: "one" } });
    expect(ada.start).toEqual({ offset: 0, epoch: "two" });
    expect(ada.told).toEqual(["epoch→0 of two", 1, 2, 3]);
  });

  test("at a position of a log that this node has not noticed yet reads on there, and everybody else is told", async () => {
    const { broker, join } = hubBench();
    broker.publish(2);
    const ada = await join({ history: 2 });
    broker.beginAnew("two");
    broker.publish(3, { lost: true });
    const eve = await join({ position: { offset: 2, epoch: "two" } });
    expect(eve.start).toEqual({ offset: 2, epoch: "two" });
    expect(eve.told).toEqual([3]);
    expect(ada.told).toEqual([1, 2, "epoch→0 of two", 1, 2, 3]);
  });

  test("at a position the log has not reached yet is told that it is another log", async () => {
    const { broker, join } = hubBench();
    broker.publish(3);
    expect((await join({ position: { offset: 7, epoch: "one" } })).told).toEqual(["epoch→0", 1, 2, 3]);
  });

  test("answers before it sends anything", async () => {
    const { broker, clock, join } = hubBench();
    await join();
    broker.publish(5, { lost: true });
    broker.hold();
    const ada = await join({ history: 3 });
    broker.publish(1);
    await clock.settle();
    expect([ada.start, ada.told]).toEqual([null, []]);
  });

  test("that is left before it was answered is never answered", async () => {
    const { broker, clock, hub, join } = hubBench();
    await join();
    broker.publish(5);
    broker.hold();
    const ada = await join({ history: 3 });
    hub.leave(ada.reader as Reader);
    broker.release();
    await clock.settle();
    expect([ada.start, ada.told]).toEqual([null, []]);
  });

  test("far back reads all of a long log, page by page, in order", async () => {
    const { broker, join, publish, clock } = hubBench();
    broker.publish(1500, { text: "x".repeat(30) });
    const ada = await join({ position: { offset: 0, epoch: "one" } });
    await publish(1);
    await clock.settle();
    expect(ada.told).toEqual(range(1, 1501));
  });
});

describe("a reader whose socket is full", () => {
  test("gets nothing, holds nobody up, and reads on where it was when the socket has drained", async () => {
    const { clock, join, publish } = hubBench();
    const [slow, quick] = [await join(), await join()];
    await publish(2);
    slow.stall();
    for (let turn = 0; turn < 20; turn += 1) await publish(10);
    expect(quick.told).toEqual(range(1, 202));
    expect(slow.told).toEqual([1, 2]);
    slow.drain();
    await clock.settle();
    expect(slow.told).toEqual(range(1, 202));
    await publish(1);
    expect(slow.told.at(-1)).toBe(203);
  });

  test("that is full again half-way through stops there, and goes on after", async () => {
    const { clock, join, publish } = hubBench();
    const slow = await join();
    slow.stall();
    await publish(100, { text: "x".repeat(500) });
    slow.socket.buffered = slowBytes - 2000;
    slow.outbox?.checkDrained();
    await clock.settle();
    // What goes out leaves the socket as full as it was: so it is drained, and read on, a few at a time.
    expect(slow.told).toEqual(range(1, 100));
    for (const write of slow.socket.writes) expect(write.join("").length).toBeLessThan(3000);
  });

  test("reads not much more than it can send, however large the frames are", async () => {
    const { broker, join } = hubBench();
    broker.publish(100, { text: "x".repeat(slowBytes / 3) });
    const slow = await join({ position: { offset: 0, epoch: "one" } });
    expect(slow.told).toEqual(range(1, 100));
    expect(broker.entriesRead).toBeLessThan(300);
  });

  test("keeps no more waiting than the bound and one frame", async () => {
    const { clock, join, publish } = hubBench();
    const slow = await join();
    slow.stall();
    await publish(200, { text: "x".repeat(500) });
    const before = slow.socket.writes.length;
    slow.drain();
    await clock.settle();
    const sizes = slow.socket.writes.slice(before).map((messages) => messages.join("").length);
    const most = Math.max(...sizes);
    expect(most).toBeGreaterThan(slowBytes / 2);
    expect(most).toBeLessThan(slowBytes + 1000);
    expect(slow.told).toEqual(range(1, 200));
  });

  test("is full from the first byte over the bound", async () => {
    const { join, publish } = hubBench();
    const ada = await join();
    ada.socket.buffered = slowBytes;
    await publish(1);
    expect(ada.told).toEqual([1]);
    ada.socket.buffered = slowBytes + 1;
    await publish(1);
    expect(ada.told).toEqual([1]);
  });

  test("and that the log has left behind is told", async () => {
    const { broker, clock, join, publish } = hubBench();
    const slow = await join();
    slow.stall();
    await publish(2000);
    broker.trimTo(1900);
    slow.drain();
    await clock.settle();
    expect(slow.told).toEqual(["trimmed→2000"]);
    await publish(1);
    expect(slow.told.at(-1)).toBe(2001);
  });

  test("and whose log was cut off under it is told, and does not read without end", async () => {
    const { broker, clock, join, publish } = hubBench();
    const slow = await join();
    slow.stall();
    await publish(2000);
    broker.cutOffAfter(100);
    slow.drain();
    await clock.settle();
    await clock.advance(5 * retryMs);
    expect(broker.reads).toBeLessThan(100);
    expect(slow.told).toEqual(["epoch→0", ...range(1, 100)]);
  });

  test("reads on also where the broker fails for a while", async () => {
    const { broker, clock, errors, join, publish } = hubBench();
    const slow = await join();
    slow.stall();
    await publish(2000);
    broker.down = true;
    slow.drain();
    await clock.settle();
    expect(errors).toHaveLength(1);
    broker.down = false;
    await clock.advance(retryMs);
    expect(slow.told).toEqual(range(1, 2000));
  });

  test.each([
    ["that has a gap", true],
    ["that is behind", false],
  ])("%s asks a broker that fails once a second, whatever else comes", async (_who, hasGap) => {
    const { broker, clock, errors, join, publish } = hubBench();
    const ada = await join();
    if (hasGap) {
      broker.beginAnew("two");
      broker.hold();
      broker.stray("two", 1);
      await clock.settle();
    } else {
      ada.stall();
      await publish(2000);
    }
    broker.down = true;
    broker.release();
    for (let second = 0; second < 5; second += 1) {
      for (let drain = 0; drain < 10; drain += 1) ada.drain();
      await clock.advance(retryMs);
    }
    expect(errors.length).toBeLessThanOrEqual(6);
    expect(broker.reads).toBeLessThanOrEqual(10);
    broker.down = false;
    await clock.advance(retryMs);
    expect(ada.told).toEqual(hasGap ? ["epoch→0 of two"] : range(1, 2000));
  });

  test("that leaves is not read for", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const slow = await join();
    await join();
    slow.stall();
    await publish(2000);
    hub.leave(slow.reader as Reader);
    slow.drain();
    await clock.settle();
    expect([broker.reads, slow.told]).toEqual([0, []]);
  });
});
