import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../src/server/memory-log.ts";

const wide = { count: 1000, ageMs: Infinity, bytes: Infinity };

function logOf(count: number, bound = wide, atMs = 0): MemoryLog {
  const log = new MemoryLog("e", { bytes: 0 });
  for (let offset = 1; offset <= count; offset += 1) log.append(`#${offset}`, atMs, bound);
  return log;
}

const offsets = (log: MemoryLog, after: number, limit = 1000, now = 0): number[] =>
  log.read(after, limit, now).entries.map(({ offset }) => offset);

describe("a log", () => {
  test("is at 0 while nothing was appended", () => {
    expect(logOf(0).state()).toEqual({ epoch: "e", base: 0, head: 0 });
    expect(logOf(0).read(0, 10, 0).entries).toEqual([]);
  });

  test("counts its entries from 1", () => {
    const log = logOf(3);
    expect(log.state()).toEqual({ epoch: "e", base: 0, head: 3 });
    expect(log.read(0, 10, 0).entries).toMatchObject([
      { offset: 1, data: "#1" },
      { offset: 2, data: "#2" },
      { offset: 3, data: "#3" },
    ]);
  });

  test("is read after an offset, up to a limit", () => {
    const log = logOf(10);
    expect(offsets(log, 4)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(offsets(log, 4, 2)).toEqual([5, 6]);
    expect(offsets(log, 4, 0)).toEqual([]);
    expect(offsets(log, 10)).toEqual([]);
    expect(offsets(log, 99)).toEqual([]);
  });
});

describe("the bound of a log", () => {
  test("keeps as many entries as it says, and not one more", () => {
    const bound = { count: 5, ageMs: Infinity, bytes: Infinity };
    expect(logOf(5, bound).state()).toMatchObject({ base: 0, head: 5 });
    expect(logOf(6, bound).state()).toMatchObject({ base: 1, head: 6 });
  });

  test("keeps entries as old as it says, and none older", () => {
    const bound = { count: 10, ageMs: 1000, bytes: Infinity };
    expect(offsets(logOf(3, bound, 0), 0, 10, 1000)).toEqual([1, 2, 3]);
    const log = logOf(3, bound, 0);
    log.append("#4", 500, bound);
    expect(log.read(0, 10, 1001)).toMatchObject({ base: 3, head: 4, entries: [] });
    expect(offsets(log, 3, 10, 1001)).toEqual([4]);
  });

  test("holds as many bytes as its bound, and the newest entry however large it is", () => {
    const bound = { count: 100, ageMs: Infinity, bytes: 10 };
    expect(logOf(5, bound).state()).toMatchObject({ base: 0, head: 5 });
    const log = logOf(6, bound);
    expect(log.state()).toMatchObject({ base: 1, head: 6 });
    log.append("ü".repeat(100), 0, bound);
    expect([log.state().base, log.bytes]).toEqual([6, 200]);
  });

  test("counts in what all logs take together, with what strings and entries take in memory", () => {
    const usage = { bytes: 0 };
    const logs = [new MemoryLog("a", usage), new MemoryLog("b", usage)];
    for (const log of logs) log.append("1234567890", 0, wide);
    const ascii = usage.bytes;
    logs[0]?.append("123456789€", 0, wide);
    expect(usage.bytes - ascii).toBe(ascii / 2 + 10);
    for (const log of logs) log.clear();
    expect(usage.bytes).toBe(0);
  });

  test("may be made smaller later", () => {
    const log = logOf(10);
    log.trim(0, { count: 2, ageMs: Infinity, bytes: Infinity });
    expect(log.state()).toMatchObject({ base: 8, head: 10 });
  });

  test("that has passed everything leaves the count where it was", () => {
    const log = logOf(4, { count: 10, ageMs: 1000, bytes: Infinity }, 0);
    log.trimByAge(5000);
    expect(log.state()).toMatchObject({ base: 4, head: 4 });
    expect(log.append("#5", 5000, wide).offset).toBe(5);
  });
});

test("who reads from before what is held gets nothing, rather than a part", () => {
  const log = logOf(10, { count: 4, ageMs: Infinity, bytes: Infinity });
  expect(log.read(5, 100, 0)).toMatchObject({ base: 6, head: 10, entries: [] });
  expect(offsets(log, 6)).toEqual([7, 8, 9, 10]);
});
