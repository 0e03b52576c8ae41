import { expect, test } from "vitest";
import {
  decodeMeta,
  emptyMeta,
  encodedBytes,
  encodeMeta,
  planAppends,
} from "../../src/brokers/nats/log-message.ts";
import { RoomIndex, type EntryOrigin } from "../../src/brokers/nats/room-index.ts";
import type { LogBound } from "../../src/server/broker.ts";

const ample: LogBound = { count: Infinity, ageMs: Infinity, bytes: Infinity };

/** An index of messages with so many entries each, one millisecond after the other, from sequence 10 on. */
function indexOf(counts: readonly number[], bound = ample, origins: EntryOrigin[] = []): RoomIndex {
  const index = new RoomIndex(Infinity);
  let seq = 10;
  index.add(seq, emptyMeta("epoch", 0, bound, 0));
  for (const count of counts) {
    seq += 1;
    const noted = Array.from({ length: count }, (_, at) => origins[index.head + at] ?? null);
    index.add(seq, { ...emptyMeta("epoch", index.head, bound, seq - 10), count, origins: noted });
  }
  return index;
}

test("entries are found in the messages they are in", () => {
  const index = indexOf([2, 1, 3]);
  const seqs = (after: number, limit: number): number[] =>
    index.chunksAfter(after, limit).map(({ seq }) => seq);
  expect(seqs(0, 10)).toEqual([11, 12, 13]);
  expect(seqs(1, 1)).toEqual([11]);
  expect(seqs(1, 2)).toEqual([11, 12]);
  expect(seqs(2, 1)).toEqual([12]);
  expect(seqs(3, 9)).toEqual([13]);
  expect(seqs(6, 9)).toEqual([]);
});

test("the base is what the bound leaves, within a message by count, and by whole messages by age", () => {
  expect(indexOf([2, 1, 3]).state(100)).toEqual({ epoch: "epoch", base: 0, head: 6 });
  expect(indexOf([2, 1, 3], { count: 2, ageMs: Infinity, bytes: Infinity }).state(100).base).toBe(4);
  expect(indexOf([2, 1, 3], { count: 9, ageMs: 98, bytes: Infinity }).state(100).base).toBe(2);
  expect(indexOf([2, 1, 3], { count: 9, ageMs: 10, bytes: Infinity }).state(100)).toMatchObject({
    base: 6,
    head: 6,
  });
});

test("the base is what the bound in bytes leaves, by whole messages, and never the newest", () => {
  const baseWith = (bytes: number): number => {
    const index = new RoomIndex(Infinity);
    const bound = { ...ample, bytes };
    index.add(10, emptyMeta("epoch", 0, bound, 0));
    for (const [at, size] of [30, 20, 10].entries())
      index.add(11 + at, { ...emptyMeta("epoch", 2 * at, bound, 0), count: 2, bytes: size });
    return index.state(0).base;
  };
  expect([60, 59, 30, 29, 10, 9, 1].map(baseWith)).toEqual([0, 2, 2, 4, 4, 4, 4]);
});

test("what was removed counts no more, in bytes too", () => {
  const index = new RoomIndex(Infinity);
  const size = 600_000;
  const bound = { ...ample, bytes: size };
  index.add(10, emptyMeta("epoch", 0, bound, 0));
  for (let at = 0; at < 3; at += 1)
    index.add(11 + at, { ...emptyMeta("epoch", at, bound, 0), count: 1, bytes: size });
  expect(index.garbage(0)).toEqual({ before: 13, upTo: 2 });
  index.remove(2);
  expect([index.garbage(0), index.state(0).base]).toEqual([null, 2]);
});

test("what does not follow is not taken in; what is known already is no harm", () => {
  const index = indexOf([2]);
  expect(index.add(11, emptyMeta("epoch", 0, ample, 0))).toBe(true);
  expect(index.add(20, emptyMeta("epoch", 5, ample, 0))).toBe(false);
  expect(index.add(20, emptyMeta("other", 2, ample, 0))).toBe(false);
  expect(index.state(0)).toEqual({ epoch: "epoch", base: 0, head: 2 });
});

test("a log whose beginning was removed begins after it", () => {
  const index = new RoomIndex(Infinity);
  index.add(50, { ...emptyMeta("epoch", 7, ample, 0), count: 2, origins: [null, null] });
  expect(index.state(0)).toEqual({ epoch: "epoch", base: 7, head: 9 });
  expect(index.ledger("ada").isComplete, "its ledgers began with it").toBe(false);
});

test("what is passed over leaves the log as it was", () => {
  const index = indexOf([2]);
  index.skip(20);
  expect(index.add(19, emptyMeta("epoch", 2, ample, 0)), "an old one").toBe(true);
  expect(index.add(21, { ...emptyMeta("epoch", 2, ample, 0), count: 1 })).toBe(true);
  expect(index.state(0).head).toBe(3);
});

test("garbage is worth removing when there is much of it, and never the newest message", () => {
  const bound = { count: 1, ageMs: Infinity, bytes: Infinity };
  expect(indexOf(Array<number>(200).fill(1), bound).garbage(0)).toBeNull();
  const index = indexOf(Array<number>(300).fill(1), bound);
  expect(index.garbage(0)).toEqual({ before: 310, upTo: 299 });
  index.remove(299);
  expect(index.garbage(0)).toBeNull();
  expect(index.state(0)).toMatchObject({ base: 299, head: 300 });
  expect(index.chunksAfter(299, 10)).toHaveLength(1);
});

test("appends are decided about as if one came after the other", () => {
  const index = indexOf([2], ample, [["ada", 4]]);
  const append = (ref: number | null, ifAt?: number) => ({
    origin: ref === null ? null : (["ada", ref] as const),
    bytes: 4,
    request: {
      room: "room",
      data: "x",
      bound: ample,
      ...(ifAt !== undefined && { ifAt: { epoch: "epoch", offset: ifAt } }),
    },
  });
  const plan = planAppends(
    index,
    [append(5), append(5), append(4), append(3), append(null, 2), append(null, 3), append(6)],
    7,
    1_000_000,
  );
  const at = (offset: number) => ({ offset, epoch: "epoch" });
  expect(plan.results).toEqual([
    { outcome: "stored", position: at(3) },
    { outcome: "repeated", position: at(3) },
    { outcome: "repeated", position: at(1) },
    { outcome: "out-of-order" },
    { outcome: "conflict", position: at(3) },
    { outcome: "stored", position: at(4) },
    { outcome: "stored", position: at(5) },
  ]);
  expect(plan.message?.meta).toMatchObject({ first: 3, count: 3, origins: [["ada", 5], null, ["ada", 6]] });
});

test("a message has so many entries and bytes, and a large entry one of its own", () => {
  const append = (data: string) => ({
    origin: null,
    bytes: encodedBytes(data),
    request: { room: "room", data, bound: ample },
  });
  const index = indexOf([]);
  const stored = (appends: ReturnType<typeof append>[], roomBytes = 1_000_000): number =>
    planAppends(index, appends, 0, roomBytes).results.length;
  expect(stored(Array.from({ length: 300 }, () => append("x")))).toBe(256);
  expect(stored([append("x".repeat(200_000)), append("x")])).toBe(1);
  expect(stored([append("x"), append("x".repeat(200_000))])).toBe(1);
  const quotes = Array.from({ length: 10 }, () => append('"'.repeat(1000)));
  expect(stored(quotes, 10_000), "as they are written").toBe(4);
});

test("what stands in the header comes back as it was, without a bound too", () => {
  const meta = { ...emptyMeta("epoch", 3, ample, 5), count: 1, origins: [["ada", 1] as const] };
  expect(decodeMeta(encodeMeta(meta))).toEqual(meta);
});
