import { describe, expect, test } from "vitest";
import { backoffCeilingMs, backoffMs } from "../../src/base/backoff.ts";
import { FakeRandom } from "../support/fake-clock.ts";

const backoffCeilingsMs = [0, 1, 2, 3, 4, 5].map(backoffCeilingMs);

function wait(attempt: number, chance: number): number {
  const random = new FakeRandom();
  random.next = chance;
  return backoffMs(attempt, random);
}

describe("the wait before an attempt", () => {
  test("has ceilings of 1, 2, 4, 8, 16 and 30 seconds", () => {
    expect(backoffCeilingsMs).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000]);
  });

  test.each(backoffCeilingsMs.map((ceiling, attempt) => ({ attempt, ceiling })))(
    "of attempt $attempt lies anywhere between 0 and $ceiling ms",
    ({ attempt, ceiling }) => {
      expect(wait(attempt, 0)).toBe(0);
      expect(wait(attempt, 0.5)).toBe(ceiling / 2);
      expect(wait(attempt, 0.999_999)).toBe(ceiling);
    },
  );

  test("stays at the last ceiling for ever", () => {
    expect(wait(6, 0.5)).toBe(15_000);
    expect(wait(10_000, 0.5)).toBe(15_000);
  });
});
