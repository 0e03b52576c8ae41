import { expect, test } from "vitest";
import { within } from "../../src/base/deadline.ts";
import { FakeClock } from "../support/fake-clock.ts";

const late = (): Error => new Error("late");

test("gives what the work came to, be it an error, and leaves no timer", async () => {
  const clock = new FakeClock();
  expect(await within(clock, 100, Promise.resolve(1), late)).toBe(1);
  await expect(within(clock, 100, Promise.reject(new Error("failed")), late)).rejects.toThrow("failed");
  await clock.settle();
  expect(clock.timerCount).toBe(0);
});

test("rejects at the limit and not before, and has no use for what comes later", async () => {
  const clock = new FakeClock();
  let finish = (): void => {};
  const outcomes: string[] = [];
  const work = new Promise<void>((resolve) => (finish = resolve));
  within(clock, 100, work, late).then(
    () => outcomes.push("done"),
    (error: Error) => outcomes.push(error.message),
  );
  await clock.advance(99);
  expect(outcomes).toEqual([]);
  await clock.advance(1);
  finish();
  await clock.settle();
  expect(outcomes).toEqual(["late"]);
});
