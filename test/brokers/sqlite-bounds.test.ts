import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite, type SqliteBrokerOptions } from "bowline/sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase, closeDatabase } from "../../src/brokers/sqlite/database.ts";
import { fromSql, toSql } from "../../src/brokers/sqlite/sql-text.ts";
import type { Broker } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { FakeClock } from "../support/fake-clock.ts";

const bound = { count: 100, ageMs: 60_000, bytes: Infinity };
const hour = 3_600_000;
const claim = { session: "session-", user: "ada", generation: 1 };

/** A broker on a clock of its own. Every call is answered as soon as it is made. */
async function bench(options: Partial<SqliteBrokerOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "bowline-"));
  const file = join(folder, "a.db");
  const clock = new FakeClock();
  const heard = new Heard();
  let broker: Broker;
  let changed: Partial<SqliteBrokerOptions> = {};
  const start = async (): Promise<void> => {
    broker = sqlite({ file, clock, ...options, ...changed });
    await broker.start(heard.sink, "node");
  };
  await start();
  onTestFinished(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });
  const now = async <T>(call: (broker: Broker) => T): Promise<Awaited<T>> => {
    const answer = call(broker);
    await clock.settle();
    return await answer;
  };
  const restart = async (other: Partial<SqliteBrokerOptions> = {}): Promise<void> => {
    await broker.stop();
    changed = other;
    await start();
  };
  const append = (room: string, ref = 0, session = claim.session) =>
    now((it) => it.append({ room, data: "x", bound, ...(ref > 0 && { origin: { session, ref } }) }));
  const head = async (room: string) => (await now((it) => it.read(room, 0, 1))).head;
  const epochOf = async (session: string, generation: number) => {
    const opening = await now((it) => it.openSession({ ...claim, session, generation }));
    return opening.outcome === "opened" ? opening.ledger : null;
  };
  /** Rows of a table, once the broker has stopped. */
  const rows = async (table: string): Promise<number> => {
    await broker.stop();
    const database = await openDatabase(file);
    const { rows: count } = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as {
      rows: number;
    };
    closeDatabase(database);
    await start();
    return count;
  };
  return { clock, connected: heard.connected, now, restart, append, head, epochOf, rows };
}

test.each([0, -1, 0.5, NaN, Infinity, "9"])("a number of its options can't be %s", (value) => {
  for (const name of ["sessionTtlMs", "sessionsMax", "roomsMax"])
    expect(() => sqlite({ file: "a.db", [name]: value })).toThrow(
      new RegExp(`option "${name}" must be a whole number.*not "?${value}`),
    );
});

describe("logs", () => {
  test("go when there are more rooms than may be, but not one that is in use", async () => {
    const { now, append, head } = await bench({ roomsMax: 10 });
    await append("subscribed");
    await now((it) => it.subscribe("subscribed", bound));
    await append("present");
    await now((it) => it.enter("present", { session: "s", user: "ada", state: null }, 1));
    for (let room = 1; room <= 8; room += 1) await append(`idle/${room}`);
    for (const room of ["subscribed", "present", "idle/1"]) expect(await head(room)).toBe(1);
    for (let room = 1; room <= 30; room += 1) await append(`more/${room}`);
    expect([await head("subscribed"), await head("present")]).toEqual([1, 1]);
    expect(await head("idle/2")).toBe(0);
  });

  test("take no more rows than rooms and bounds allow", async () => {
    const { append, rows } = await bench({ roomsMax: 10 });
    for (let room = 1; room <= 40; room += 1) await append(`room/${room}`);
    for (let time = 1; time <= 150; time += 1) await append("room/40");
    expect(await rows("rooms")).toBeLessThanOrEqual(10);
    expect(await rows("entries")).toBeLessThanOrEqual(109);
  });

  test("nobody reads are trimmed by age as well", async () => {
    const { clock, append, rows } = await bench();
    await append("a");
    await append("b");
    await clock.advance(bound.ageMs + 20_000);
    expect(await rows("entries")).toBe(0);
  });

  test("grow old while the server is down", async () => {
    const { clock, append, restart, now } = await bench();
    await append("a");
    await restart();
    expect(await now((it) => it.read("a", 0, 9))).toMatchObject({ base: 0, head: 1 });
    clock.wallMs += 2 * bound.ageMs;
    expect(await now((it) => it.read("a", 0, 9))).toMatchObject({ base: 1, head: 1, entries: [] });
  });
});

describe("a session without a connection", () => {
  test("is forgotten, with its ledgers, some time after it was last renewed", async () => {
    const { clock, now, append, epochOf, rows } = await bench();
    const epoch = await epochOf(claim.session, 1);
    await append("r", 1);
    await now((it) => it.claimRequest({ session: claim.session, ref: 2 }));
    await clock.advance(hour * 0.9);
    await now((it) => it.renewSessions([claim.session]));
    await clock.advance(hour * 0.9);
    expect(await epochOf(claim.session, 2)).toBe(epoch);
    await clock.advance(hour * 1.1);
    for (const table of ["sessions", "publishes", "answers"]) expect(await rows(table)).toBe(0);
    expect(await append("r", 3)).toEqual({ outcome: "unknown-session" });
  });

  test("counts as renewed when it is opened again", async () => {
    const { clock, append, epochOf } = await bench();
    const epoch = await epochOf(claim.session, 1);
    await clock.advance(hour * 0.7);
    expect(await epochOf(claim.session, 2)).toBe(epoch);
    await clock.advance(hour * 0.7);
    expect(await append("r", 1)).toMatchObject({ outcome: "stored" });
  });

  test("is not forgotten while the server is down, nor when the wall clock is set", async () => {
    const { clock, restart, epochOf } = await bench();
    const epoch = await epochOf(claim.session, 1);
    await restart();
    clock.wallMs += 48 * hour;
    await clock.advance(hour * 0.5);
    await restart();
    expect(await epochOf(claim.session, 2)).toBe(epoch);
  });

  test("goes first when there are more than are remembered: the longest not renewed", async () => {
    const { clock, now, epochOf } = await bench({ sessionsMax: 3 });
    const epochs: (string | null)[] = [];
    for (const session of ["a", "b", "c"]) {
      epochs.push(await epochOf(session, 1));
      await clock.advance(hour / 4);
    }
    await now((it) => it.renewSessions(["a"]));
    await epochOf("d", 1);
    expect(await epochOf("a", 2)).toBe(epochs[0]);
    expect(await epochOf("b", 2)).not.toBe(epochs[1]);
  });

  test("does not make a connected one go, however many others come, or stand before it", async () => {
    const { clock, connected, epochOf } = await bench({ sessionsMax: 3 });
    const [a, b] = [await epochOf("a", 1), await epochOf("b", 1)];
    connected.add("a").add("b");
    for (let other = 0; other < 20; other += 1) {
      await clock.advance(1);
      await epochOf(`other ${other}`, 1);
    }
    expect([await epochOf("a", 2), await epochOf("b", 2)]).toEqual([a, b]);
  });
});

test("what a file has too many of under lower bounds goes, some at a time", async () => {
  const { clock, now, restart, rows } = await bench();
  const names = Array.from({ length: 250 }, (_, index) => `${index}`);
  await now((it) => Promise.all(names.map((session) => it.openSession({ ...claim, session }))));
  await now((it) => Promise.all(names.map(async (room) => it.append({ room, data: "x", bound }))));
  await restart({ sessionsMax: 10, roomsMax: 10 });
  await clock.advance(20_000);
  expect(await rows("sessions")).toBe(10);
  expect(await rows("rooms")).toBeLessThanOrEqual(10);
});

describe("a session's ledgers", () => {
  test("take no more rows than they hold, however much it publishes and asks", async () => {
    const { now, append, epochOf, rows } = await bench();
    await epochOf(claim.session, 1);
    for (let ref = 1; ref <= 600; ref += 1) await append(`r/${ref % 9}`, ref);
    for (let ref = 601; ref <= 1000; ref += 1) {
      const origin = { session: claim.session, ref };
      await now((it) => it.claimRequest(origin));
      await now((it) => it.answerRequest(origin, "answer"));
    }
    expect([await rows("publishes"), await rows("answers")]).toEqual([512, 256]);
  });

  test("forget requests that were never answered, and run none of them again", async () => {
    const { now, epochOf, rows } = await bench();
    await epochOf(claim.session, 1);
    const ask = (ref: number) => now((it) => it.claimRequest({ session: claim.session, ref }));
    const refs = Array.from({ length: 3000 }, (_, index) => index + 1);
    const claims = await now((it) =>
      Promise.all(refs.map(async (ref) => it.claimRequest({ session: claim.session, ref }))),
    );
    expect(new Set(claims.map(({ outcome }) => outcome))).toEqual(new Set(["claimed"]));
    expect(await rows("answers")).toBeLessThanOrEqual(1300);
    for (const ref of [1, 1000, 2500, 3000]) expect(await ask(ref)).toEqual({ outcome: "unanswered" });
  });
});

test.each(["", "plain", "a\0b", "\0", "\ud800", "a\udfff", "\u001A", "\u001Aa\0", "🚢", '"\\\0'])(
  "the text %j is kept as it is",
  (text) => {
    expect(fromSql(toSql(text))).toBe(text);
    expect(toSql(text)).not.toMatch(/\0/);
    expect(toSql(text).isWellFormed()).toBe(true);
  },
);
