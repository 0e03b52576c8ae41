import { describe, expect, test } from "vitest";
import type { Broker, BrokerSink } from "../../src/server/broker.ts";
import { memory, type MemoryBrokerOptions } from "../../src/server/memory-broker.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";

const bound = { count: 100, ageMs: 60_000, bytes: Infinity };
const claim = { session: "s", user: "ada", generation: 1 };

async function bench(options: MemoryBrokerOptions = {}) {
  const clock = new FakeClock();
  const heard: string[] = [];
  const sink: BrokerSink = {
    receiveEntry: (room, _epoch, { offset, data }) => heard.push(`entry ${room} ${offset} ${data}`),
    receiveSignal: (room, key, data) => heard.push(`signal ${room} ${key} ${data}`),
    receivePresence: (room, { set, gone }) =>
      heard.push(`presence ${room} +${set?.session ?? ""} -${gone ?? ""}`),
    receiveOpened: (session, generation) => heard.push(`opened ${session} ${generation}`),
    receiveHole: (room) => heard.push(`hole ${room}`),
    receiveTold: (message) => heard.push(`told ${message}`),
    receiveOutage: (reason) => heard.push(`outage ${reason?.message ?? "over"}`),
    receiveFault: (error) => heard.push(`fault ${error.message}`),
    receiveSettings: () => heard.push("settings"),
    isConnected: () => false,
  };
  const broker = memory({ clock, random: new FakeRandom(), ...options });
  await broker.start(sink, "node");
  const append = async (room: string, data: string, ref?: number) =>
    broker.append({ room, data, bound, ...(ref !== undefined && { origin: { session: "s", ref } }) });
  return { clock, heard, broker, append, sink };
}

describe("the memory broker", () => {
  test("serves one node, and says so to a second one", async () => {
    const { broker, sink } = await bench();
    await expect(broker.start(sink, "node")).rejects.toThrow(/one broker serves one server/);
  });

  test("leaves no timer behind when it stops", async () => {
    const { broker, clock } = await bench();
    await broker.openSession(claim);
    await broker.stop();
    expect(clock.timerCount).toBe(0);
  });

  test("gives entries of subscribed rooms to the node, the appender's own too", async () => {
    const { broker, append, heard } = await bench();
    await append("r", "before");
    await broker.subscribe("r", bound);
    await append("r", "one");
    await append("other", "x");
    await broker.unsubscribe("r");
    await append("r", "after");
    expect(heard).toEqual(["entry r 2 one"]);
  });

  test("gives signals of subscribed rooms to the node", async () => {
    const { broker, heard } = await bench();
    broker.signal("r", "k", "lost");
    await broker.subscribe("r", bound);
    broker.signal("r", "k", "kept");
    expect(heard).toEqual(["signal r k kept"]);
  });
});

describe("appending", () => {
  test("the same ref again gives the first position, and appends nothing", async () => {
    const { broker, append } = await bench();
    await broker.openSession(claim);
    const first = await append("r", "a", 1);
    await append("r", "b", 2);
    expect(await append("r", "a", 1)).toEqual({ ...first, outcome: "repeated" });
    expect((await broker.read("r", 0, 10)).entries).toHaveLength(2);
  });

  test("a ref below one that is in the log is refused, and appends nothing", async () => {
    const { broker, append } = await bench();
    await broker.openSession(claim);
    await append("r", "b", 2);
    expect(await append("r", "a", 1)).toEqual({ outcome: "out-of-order" });
    expect((await broker.read("r", 0, 10)).entries).toHaveLength(1);
  });

  test("refs of one session in different rooms do not get into each other's way", async () => {
    const { broker, append } = await bench();
    await broker.openSession(claim);
    await append("a", "x", 2);
    expect(await append("b", "y", 1)).toMatchObject({ outcome: "stored", position: { offset: 1 } });
    expect(await broker.find("a", { session: "s", ref: 2 })).toMatchObject({ offset: 1 });
    expect(await broker.find("b", { session: "s", ref: 2 })).toBeNull();
  });

  test("each room has an epoch of its own, and keeps it", async () => {
    const { append, broker } = await bench();
    const [a, b] = [await append("a", "x"), await append("b", "x")];
    expect(a.outcome === "stored" && b.outcome === "stored" && a.position.epoch !== b.position.epoch).toBe(
      true,
    );
    expect((await broker.read("a", 0, 1)).epoch).toBe(a.outcome === "stored" && a.position.epoch);
  });
});

describe("old entries", () => {
  test("go when a bound is passed, also in a room nobody reads or writes", async () => {
    const { append, broker, clock } = await bench();
    await append("r", "x");
    await clock.advance(bound.ageMs);
    expect(await broker.read("r", 0, 1)).toMatchObject({ base: 0, head: 1 });
    await clock.advance(1);
    expect(await broker.read("r", 0, 1)).toMatchObject({ base: 1, head: 1, entries: [] });
  });

  test("a room's log goes when there are more rooms than may be, but not one that is in use", async () => {
    const { append, broker } = await bench({ roomsMax: 10 });
    await append("subscribed", "x");
    await broker.subscribe("subscribed", bound);
    await append("present", "x");
    await broker.enter("present", { session: "s", user: "ada", state: null }, 1);
    for (let room = 1; room <= 8; room += 1) await append(`idle/${room}`, "x");
    const heads = async () =>
      Promise.all(
        ["subscribed", "present", "idle/2"].map(async (room) => (await broker.read(room, 0, 1)).head),
      );
    expect(await heads()).toEqual([1, 1, 1]);
    for (let room = 1; room <= 50; room += 1) await append(`more/${room}`, "x");
    expect(await heads()).toEqual([1, 1, 0]);
  });

  test("and of those that nobody is subscribed to, the longest unused one goes first", async () => {
    const { broker } = await bench({ roomsMax: 3 });
    const epochs = new Map<string, string>();
    const epochOf = async (name: string): Promise<string> => (await broker.read(name, 0, 0)).epoch;
    for (const name of ["a", "b", "c", "a"]) epochs.set(name, await epochOf(name));
    await epochOf("d");
    expect(await epochOf("a")).toBe(epochs.get("a"));
    expect(await epochOf("b")).not.toBe(epochs.get("b"));
  });

  test("as many rooms as may be are all kept", async () => {
    const { append, broker } = await bench({ roomsMax: 10 });
    for (let room = 1; room <= 10; room += 1) await append(`idle/${room}`, "x");
    expect((await broker.read("idle/1", 0, 1)).head).toBe(1);
  });
});

describe("presence", () => {
  const ada = { session: "s", user: "ada", state: 1 };

  test("has who entered and has not left", async () => {
    const { broker, heard } = await bench();
    await broker.enter("r", ada, 1);
    expect((await broker.members("r", 10)).list).toEqual([ada]);
    await broker.exit("r", "s", 1);
    await broker.exit("r", "s", 1);
    expect((await broker.members("r", 10)).list).toEqual([]);
    expect(heard).toEqual(["presence r +s -", "presence r + -s"]);
  });

  test("a late exit of an older connection takes nobody away", async () => {
    const { broker } = await bench();
    await broker.enter("r", ada, 1);
    await broker.enter("r", { ...ada, state: 2 }, 2);
    await broker.exit("r", "s", 1);
    expect((await broker.members("r", 10)).list).toEqual([{ ...ada, state: 2 }]);
  });

  test("of a room that was never used is empty", async () => {
    const { broker } = await bench();
    expect((await broker.members("nowhere", 10)).list).toEqual([]);
    await broker.exit("nowhere", "s", 1);
  });
});

test("a session that is opened is told to the node; one that is refused is not", async () => {
  const { broker, heard } = await bench();
  await broker.openSession(claim);
  await broker.openSession(claim);
  await broker.openSession({ ...claim, generation: 5, user: "eve" });
  await broker.openSession({ ...claim, generation: 2 });
  expect(heard).toEqual(["opened s 1", "opened s 2"]);
});

describe("all logs together", () => {
  const kib = "x".repeat(1024);
  // What an entry of a KiB takes, and how many of them are held.
  const logsBytes = 20 * (1024 + 128);

  async function fill(
    broker: Broker,
    append: (room: string, data: string) => Promise<unknown>,
    rooms: number,
  ) {
    for (let room = 0; room < rooms; room += 1) await append(`flood/${room}`, kib);
    const held = await Promise.all(
      Array.from({ length: rooms }, async (_, room) => (await broker.read(`flood/${room}`, 0, 1)).head > 0),
    );
    return held.filter(Boolean).length;
  }

  test("have as many bytes as the bound; unused ones go first, the longest unused before others", async () => {
    const { broker, append } = await bench({ logsBytes });
    await append("mine", kib);
    await broker.subscribe("mine", bound);
    expect(await fill(broker, append, 19)).toBe(19);
    await append("flood/0", "");
    const { epoch } = await broker.read("flood/0", 0, 0);
    await append("more", kib);
    expect((await broker.read("mine", 0, 10)).entries).toHaveLength(1);
    expect((await broker.read("flood/0", 0, 10)).epoch, "used last").toBe(epoch);
    expect((await broker.read("flood/1", 0, 10)).head, "unused for longest").toBe(0);
  });

  test("that are read lose their oldest entries only where nothing else helps, the longest first", async () => {
    const { broker, append, heard } = await bench({ logsBytes });
    for (const room of ["long", "short"]) await broker.subscribe(room, bound);
    await append("short", kib);
    for (let entry = 0; entry < 25; entry += 1) await append("long", kib);
    const [long, short] = [await broker.read("long", 0, 100), await broker.read("short", 0, 100)];
    expect([long.head, long.base > 5, short.base, short.head]).toEqual([25, true, 0, 1]);
    expect(heard.filter((line) => line.startsWith("entry long"))).toHaveLength(25);
  });

  test("are bounded whatever is subscribed to", async () => {
    const { broker, append } = await bench({ logsBytes });
    for (let room = 0; room < 40; room += 1) {
      await broker.subscribe(`r/${room}`, bound);
      await append(`r/${room}`, kib);
    }
    const pages = await Promise.all(Array.from({ length: 40 }, (_, room) => broker.read(`r/${room}`, 0, 10)));
    expect(pages.filter(({ entries }) => entries.length > 0).length).toBeLessThanOrEqual(20);
    expect(
      pages.every(({ head }) => head === 1),
      "where they were is known",
    ).toBe(true);
  });
});
