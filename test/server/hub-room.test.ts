import { describe, expect, test } from "vitest";
import { Flusher } from "../../src/server/flusher.ts";
import type { Members } from "../../src/server/broker.ts";
import { Outbox } from "../../src/server/outbox.ts";
import type { Reader } from "../../src/server/reader.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import { textFormat } from "../support/formats.ts";
import type { Codec } from "../../src/server/codec.ts";
import { jsonCodec } from "../../src/server/json-codec.ts";
import type { WireFormat } from "../../src/server/wire-formats.ts";
import { hubBench, range, retryMs, room, slowBytes, type Member } from "../support/hub-bench.ts";

describe("a reader that keeps up", () => {
  test("gets each entry once, in order, and those of one turn in one write", async () => {
    const { join, publish } = hubBench();
    const [ada, bob] = [await join(), await join()];
    await publish(3);
    await publish(2);
    expect(ada.told).toEqual(range(1, 5));
    expect(bob.told).toEqual(range(1, 5));
    expect(ada.socket.writes).toHaveLength(2);
  });

  test.each([
    [0, 1, 2],
    [0, 3, 1],
    [1, 0, 3],
    [3, 0, 0],
    [2, 2, 2],
  ])("goes on where others leave, in whatever order: %i, %i, %i", async (...leaving) => {
    const { hub, errors, join, publish } = hubBench();
    const members = [await join(), await join(), await join(), await join()];
    for (const index of leaving) hub.leave(members[index]?.reader as Reader);
    await publish(1);
    expect(members.map(({ told }) => told)).toEqual(
      members.map((_, index) => (leaving.includes(index) ? [] : [1])),
    );
    for (const { reader } of members) hub.leave(reader as Reader);
    expect([errors, hub.roomCount]).toEqual([[], 0]);
  });

  test("gets the very same batch as the others", async () => {
    const { join, publish } = hubBench();
    const [ada, bob] = [await join(), await join()];
    await publish(3);
    expect(ada.socket.writes[0]).toBe(bob.socket.writes[0]);
  });

  test("gets nothing after it has left", async () => {
    const { hub, join, publish } = hubBench();
    const [ada, bob] = [await join(), await join()];
    hub.leave(ada.reader as Reader);
    await publish(1);
    expect([ada.told, bob.told]).toEqual([[], [1]]);
  });

  test("costs no read of the log", async () => {
    const { broker, join, publish } = hubBench();
    await join();
    await publish(50);
    expect(broker.reads).toBe(0);
  });

  test("passes over an entry that comes twice", async () => {
    const { broker, join, publish, clock } = hubBench();
    const ada = await join();
    await publish(3);
    for (const offset of [3, 1, 2]) broker.stray("one", offset);
    await clock.settle();
    expect(ada.told).toEqual([1, 2, 3]);
  });
});

describe("the subscription", () => {
  test("lasts from the first reader to the last", async () => {
    const { broker, hub, join } = hubBench();
    const [ada, bob] = [await join(), await join()];
    hub.leave(ada.reader as Reader);
    expect([broker.subscribed, hub.roomCount]).toEqual([true, 1]);
    hub.leave(bob.reader as Reader);
    hub.leave(bob.reader as Reader);
    expect([broker.subscribed, hub.roomCount]).toEqual([false, 0]);
  });

  test("that fails refuses the join, and leaves nothing behind", async () => {
    const { broker, clock, hub, join } = hubBench();
    const flusher = new Flusher(clock, () => {});
    const outbox = new Outbox({ clock, flusher, slowBytes }, new FakeSocket(), textFormat, { drained() {} });
    broker.down = true;
    await expect(hub.join(room, { count: 1, ageMs: 1, bytes: Infinity }, outbox, 0)).rejects.toThrow("down");
    expect(hub.roomCount).toBe(0);
    broker.down = false;
    expect((await join()).start).toEqual({ offset: 0, epoch: "one" });
  });

  test("misses nothing of what is published while it begins", async () => {
    const { broker, clock, join } = hubBench();
    broker.publish(2);
    broker.hold();
    const ada = await join();
    broker.publish(3);
    broker.release();
    await clock.settle();
    expect(ada.start?.offset).toBe(2);
    expect(ada.told).toEqual([3, 4, 5]);
  });
});

describe("a hole in the live messages", () => {
  test("is filled from the log before anything after it is sent", async () => {
    const { join, publish } = hubBench();
    const ada = await join();
    await publish(2);
    await publish(3, { lost: true });
    await publish(1);
    expect(ada.told).toEqual(range(1, 6));
  });

  test.each([1, 2, 3])("of %i entries is noticed with the next one", async (lost) => {
    const { join, publish } = hubBench();
    const ada = await join();
    await publish(2);
    await publish(lost, { lost: true });
    await publish(1);
    expect(ada.told).toEqual(range(1, 3 + lost));
  });

  test("that is told of while another one is filled is filled as well", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const ada = await join();
    await publish(2);
    broker.hold();
    hub.receiveHole(room);
    await clock.settle();
    broker.publish(2, { lost: true });
    hub.receiveHole(room);
    broker.release();
    await clock.settle();
    expect(ada.told).toEqual(range(1, 4));
  });

  test("longer than a page is filled whole", async () => {
    const { join, publish } = hubBench();
    const ada = await join();
    await publish(700, { lost: true });
    await publish(1);
    expect(ada.told).toEqual(range(1, 701));
  });

  test("is filled although more is published while it is", async () => {
    const { broker, clock, join, publish } = hubBench();
    const ada = await join();
    await publish(2, { lost: true });
    broker.hold();
    await publish(1);
    await publish(2);
    await publish(1, { lost: true });
    await publish(1);
    broker.release();
    await clock.settle();
    expect(ada.told).toEqual(range(1, 7));
  });

  test("that the log no longer holds is a gap", async () => {
    const { broker, join, publish } = hubBench();
    const ada = await join();
    await publish(2);
    await publish(5, { lost: true });
    broker.trimTo(4);
    await publish(1);
    expect(ada.told).toEqual([1, 2, "trimmed→8"]);
    await publish(1);
    expect(ada.told.at(-1)).toBe(9);
  });

  test("that ends before what was received is a gap, whatever the epoch says", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.cutOffAfter(2);
    hub.receiveHole(room);
    await clock.settle();
    // What is left of it is whole, and new to a reader of another log.
    expect(ada.told).toEqual([1, 2, 3, "epoch→0", 1, 2]);
    await publish(1);
    expect(ada.told.at(-1)).toBe(3);
  });

  test("is tried again where the broker fails, and reported", async () => {
    const { broker, clock, errors, join, publish } = hubBench();
    const ada = await join();
    await publish(2, { lost: true });
    broker.down = true;
    await publish(1);
    expect(ada.told).toEqual([]);
    broker.down = false;
    await clock.advance(retryMs);
    expect(ada.told).toEqual([1, 2, 3]);
    expect(errors).toHaveLength(1);
  });

  test("that everybody has left by then is not read", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const ada = await join();
    await publish(1, { lost: true });
    broker.down = true;
    await publish(1);
    hub.leave(ada.reader as Reader);
    broker.down = false;
    const before = broker.reads;
    await clock.advance(retryMs * 3);
    expect(broker.reads).toBe(before);
  });
});

describe("a log that is lost", () => {
  test("is told to those who read it, and the new one is read from its beginning", async () => {
    const { broker, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.beginAnew("two");
    await publish(2);
    expect(ada.told).toEqual([1, 2, 3, "epoch→0 of two", 1, 2]);
    await publish(1);
    expect(ada.told.at(-1)).toBe(3);
  });

  test("and whose successor was trimmed already is told with the new end", async () => {
    const { broker, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.beginAnew("two");
    broker.publish(5, { lost: true });
    broker.trimTo(3);
    await publish(1);
    expect(ada.told).toEqual([1, 2, 3, "epoch→6 of two"]);
    await publish(1);
    expect(ada.told.at(-1)).toBe(7);
  });

  test("leaves nobody waiting for an entry that came while the new one was read", async () => {
    const { broker, clock, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.beginAnew("two");
    broker.publish(5, { lost: true });
    broker.trimTo(3);
    broker.hold();
    await publish(1);
    await publish(1);
    broker.release();
    await clock.settle();
    expect(ada.told).toEqual([1, 2, 3, "epoch→6 of two", 7]);
  });

  test("comes after what was heard of the old one in the same turn", async () => {
    const { broker, clock, join } = hubBench();
    const ada = await join();
    broker.beginAnew("two");
    broker.hold();
    await join({ position: { offset: 0, epoch: "two" } });
    broker.stray("one", 1);
    broker.release();
    await clock.settle();
    expect(ada.told).toEqual([1, "epoch→0 of two"]);
  });

  test("that begins while the one before it is read is told, however short it is yet", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.hold();
    hub.receiveHole(room);
    await clock.settle();
    broker.beginAnew("two");
    broker.publish(1);
    broker.release();
    await clock.settle();
    expect(ada.told).toEqual([1, 2, 3, "epoch→0 of two", 1]);
  });

  test("whose last message comes late is not read without end", async () => {
    const { broker, clock, join, publish } = hubBench();
    const ada = await join();
    await publish(3);
    broker.beginAnew("two");
    await publish(1);
    broker.stray("one", 100);
    await clock.settle();
    expect(broker.reads).toBeLessThan(20);
    await publish(1);
    expect(ada.told).toEqual([1, 2, 3, "epoch→0 of two", 1, 2]);
  });
});

describe("a signal", () => {
  test("is the newest of its key within a turn", async () => {
    const { clock, hub, join } = hubBench();
    const ada = await join();
    for (const [key, value] of [
      ["a", 1],
      ["b", 1],
      ["a", 2],
    ]) {
      hub.receiveSignal(room, String(key), `{"is":"${key}${value}"}`);
    }
    await clock.settle();
    expect(
      ada
        .of("signal")
        .map((frame) => frame["is"])
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual(["a2", "b1"]);
  });

  test("comes after the publications of its turn", async () => {
    const { hub, join, publish, clock } = hubBench();
    const ada = await join();
    hub.receiveSignal(room, "a", '{"event":"typing"}');
    await publish(1);
    await clock.settle();
    expect(ada.socket.frames.map(({ type }) => type)).toEqual(["event", "signal"]);
  });

  test("is lost on a reader whose socket is full", async () => {
    const { clock, hub, join } = hubBench();
    const ada = await join();
    ada.stall();
    hub.receiveSignal(room, "a", '{"event":"typing"}');
    await clock.settle();
    ada.drain();
    await clock.settle();
    expect(ada.of("signal")).toEqual([]);
  });

  test("in a room that nobody reads here goes nowhere", () => {
    const { hub } = hubBench();
    hub.receiveSignal("other", "a", "{}");
    hub.receivePresence("other", { gone: "s", count: 1 });
    hub.receiveEntry("other", "one", { offset: 1, data: "{}" });
    expect(hub.roomCount).toBe(0);
  });
});

describe("presence", () => {
  const member = (session: string, state: unknown = null) => ({ session, user: session, state });

  test("tells who came, changed and went, once for each turn", async () => {
    const { clock, hub, join } = hubBench();
    const ada = await join();
    hub.receivePresence(room, { set: member("a", 1), count: 1 });
    hub.receivePresence(room, { set: member("a", 2), count: 1 });
    hub.receivePresence(room, { set: member("b"), count: 1 });
    hub.receivePresence(room, { gone: "b", count: 1 });
    await clock.settle();
    expect(ada.of("presence")).toEqual([{ type: "presence", room, set: [member("a", 2)], gone: ["b"] }]);
  });

  test("is told whole to a reader that missed changes, once it reads on", async () => {
    const { broker, clock, hub, join } = hubBench();
    const ada = await join();
    ada.stall();
    hub.receivePresence(room, { set: member("a"), count: 1 });
    await clock.settle();
    broker.members_ = [member("a"), member("b")];
    ada.drain();
    await clock.settle();
    expect(ada.of("presence")).toEqual([{ type: "presence", room, members: [member("a"), member("b")] }]);
  });

  test("is not told to a reader that missed none", async () => {
    const { clock, join, publish } = hubBench();
    const ada = await join();
    ada.stall();
    await publish(1);
    ada.drain();
    await clock.settle();
    expect(ada.of("presence")).toEqual([]);
  });

  test("names as many members as a list may, and only counts them beyond that", async () => {
    const { broker, clock, join } = hubBench();
    const ada = await join();
    const membersOf = async ({ reader }: Member): Promise<unknown> => {
      const members = reader?.room.members();
      await clock.settle();
      const listed = await members;
      return listed && "members" in listed ? { members: JSON.parse(listed.members) as unknown } : listed;
    };
    broker.members_ = ["a", "b", "c"].map((name) => member(name));
    expect(await membersOf(ada)).toEqual({ members: broker.members_ });
    broker.members_ = [...broker.members_, member("d")];
    expect(await membersOf(ada)).toEqual({ count: 4 });
  });

  test("of a crowded room is a count, until it has emptied well below the bound", async () => {
    const { broker, clock, hub, join } = hubBench();
    const ada = await join();
    broker.members_ = [member("a"), member("b")];
    for (const count of [3, 4, 3, 2]) {
      hub.receivePresence(room, { gone: "x", count });
      await clock.settle();
    }
    expect(ada.of("presence")).toEqual([
      { type: "presence", room, gone: ["x"] },
      { type: "presence", room, count: 4 },
      { type: "presence", room, count: 3 },
      { type: "presence", room, gone: ["x"] },
      { type: "presence", room, members: broker.members_ },
    ]);
  });

  test("is listed once for all readers, with what was told since it was asked for", async () => {
    const { broker, clock, hub, join } = hubBench();
    const readers = [await join(), await join(), await join()];
    for (const reader of readers) reader.stall();
    hub.receivePresence(room, { set: member("a"), count: 1 });
    await clock.settle();
    const answers: ((members: Members) => void)[] = [];
    broker.members = () => new Promise((resolve) => answers.push(resolve));
    for (const reader of readers) reader.drain();
    await clock.settle();
    for (const name of ["b", "c"]) {
      hub.receivePresence(room, { set: member(name), gone: "a", count: 1 });
      await clock.settle();
    }
    expect(answers).toHaveLength(1);
    answers[0]?.({ count: 2, list: [member("a"), member("b", 7)] });
    await clock.settle();
    const members = [member("b"), member("c")];
    for (const reader of readers)
      expect(reader.of("presence").at(-1)).toEqual({ type: "presence", room, members });
  });

  test("is told whole after a hole, and the log is read again", async () => {
    const { broker, clock, hub, join, publish } = hubBench();
    const ada = await join();
    broker.publish(2, { lost: true });
    broker.members_ = [member("a")];
    hub.receiveHole(room);
    await clock.settle();
    expect(ada.of("event").map(({ offset }) => offset)).toEqual([1, 2]);
    expect(ada.of("presence")).toEqual([{ type: "presence", room, members: broker.members_ }]);
    await publish(1);
    expect(ada.of("event")).toHaveLength(3);
  });
});

describe("a codec that fails", () => {
  /** JSON, but for what is on its list. */
  const failing = (unwritable: Set<string>): WireFormat => {
    const refuse = (text: unknown): string => {
      for (const part of unwritable) if (String(text).includes(part)) throw new Error(`can't write ${part}`);
      return String(text);
    };
    const codec: Codec = {
      ...jsonCodec,
      frame: (frame) => refuse(jsonCodec.frame(frame)),
      list: (frame, members) => refuse(jsonCodec.list(frame, members)),
      publication: (to, entry) => refuse(jsonCodec.publication(to, entry)),
      signal: (to, data) => refuse(jsonCodec.signal(to, data)),
    };
    return { codec, framing: textFormat.framing };
  };

  test("on a publication keeps nothing from the others, and its own readers get it once it can", async () => {
    const { clock, errors, join, publish } = hubBench();
    const unwritable = new Set<string>();
    const [ada, eve] = [await join(), await join({ format: failing(unwritable) })];
    await publish(2);
    unwritable.add('"offset":3');
    await publish(2);
    expect([ada.told, eve.told]).toEqual([range(1, 4), [1, 2]]);
    expect(errors).toContainEqual(new Error('can\'t write "offset":3'));
    unwritable.clear();
    await clock.advance(retryMs);
    expect(eve.told).toEqual(range(1, 4));
    await publish(1);
    expect(eve.told).toEqual(range(1, 5));
  });

  test("on a signal or a list of members keeps no publication back", async () => {
    const { broker, clock, errors, hub, join, publish } = hubBench();
    const [ada, eve] = [await join(), await join({ format: failing(new Set(["typing", "presence"])) })];
    hub.receiveSignal(room, "a", '{"event":"typing"}');
    hub.receivePresence(room, { gone: "s", count: 0 });
    await publish(1);
    broker.members_ = [];
    hub.receiveHole(room);
    await clock.settle();
    expect(ada.socket.frames.map(({ type }) => type)).toEqual(["event", "signal", "presence", "presence"]);
    expect(eve.told).toEqual([1]);
    expect(errors.length).toBeGreaterThan(0);
  });
});
