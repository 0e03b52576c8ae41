import { expect, test } from "vitest";
import { kindsMax, kindsPerCodeMax, LineLimit, windowMs } from "../../src/server/logging/line-limit.ts";
import { FakeClock } from "../support/fake-clock.ts";

test("a kind has one line in ten seconds, and the next one says how many were left out", async () => {
  const clock = new FakeClock();
  const limit = new LineLimit(clock);
  expect(limit.take("INVALID", "chat")).toBe(0);
  for (let n = 0; n < 5; n += 1) expect(limit.take("INVALID", "chat")).toBeNull();
  await clock.advance(windowMs - 1);
  expect(limit.take("INVALID", "chat")).toBeNull();
  await clock.advance(1);
  expect(limit.take("INVALID", "chat")).toBe(6);
  expect(limit.take("INVALID", "chat")).toBeNull();
  await clock.advance(windowMs);
  expect(limit.take("INVALID", "chat")).toBe(1);
});

test("another place, and another code, is another kind", () => {
  const limit = new LineLimit(new FakeClock());
  for (const [code, place] of [
    ["A", "x"],
    ["A", "y"],
    ["B", "x"],
  ] as const)
    expect(limit.take(code, place)).toBe(0);
});

test("beyond their number the places of a code share a line, and other codes have theirs", async () => {
  const clock = new FakeClock();
  const limit = new LineLimit(clock);
  const linesOf = (code: string, count: number): number => {
    let lines = 0;
    for (let n = 0; n < count; n += 1) if (limit.take(code, `place ${n}`) !== null) lines += 1;
    return lines;
  };
  expect(linesOf("A", 10_000)).toBe(kindsPerCodeMax + 1);
  expect(limit.take("B", "x")).toBe(0);
  await clock.advance(windowMs);
  expect(linesOf("A", 10_000)).toBe(kindsPerCodeMax + 1);
});

test("beyond the number of kinds everything else shares a line, until the oldest have had their time", async () => {
  const clock = new FakeClock();
  const limit = new LineLimit(clock);
  const lines = (): number => {
    let count = 0;
    for (let n = 0; n < 10 * kindsMax; n += 1) if (limit.take(`code ${n}`, "") !== null) count += 1;
    return count;
  };
  expect(lines()).toBe(kindsMax + 1);
  expect(lines()).toBe(0);
  await clock.advance(windowMs);
  expect(lines()).toBe(kindsMax + 1);
});
