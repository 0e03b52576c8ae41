import { expect, test } from "vitest";
import { whenOverdue, within } from "../../src/base/deadline.ts";
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

test("a deadline passes when its time is over, and not before", async () => {
  const clock = new FakeClock();
  let passed = 0;
  whenOverdue(clock, 1000, () => (passed += 1));
  await clock.advance(999);
  expect(passed).toBe(0);
  await clock.advance(1);
  expect(passed).toBe(1);
});

test("a deadline that is called off does not pass, not even where its time was over already", async () => {
  const clock = new FakeClock();
  let passed = 0;
  const early = whenOverdue(clock, 1000, () => (passed += 1));
  const meanwhile = whenOverdue(clock, 1000, () => (passed += 1));
  early();
  await clock.holdUp(5000, meanwhile);
  expect([passed, clock.timerCount]).toEqual([0, 0]);
});

test("work that was done while the process was held up is in time", async () => {
  const clock = new FakeClock();
  let done = (_value: string): void => {};
  const work = within(clock, 1000, new Promise<string>((resolve) => (done = resolve)), late);
  await clock.holdUp(5000, () => done("done"));
  expect(await work).toBe("done");
  await expect(
    Promise.all([within(clock, 1000, new Promise(() => {}), late), clock.advance(1000)]),
  ).rejects.toThrow("late");
});
