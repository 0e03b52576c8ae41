import { expect, test } from "vitest";
import { Countdown } from "../../src/base/countdown.ts";
import { promisesDone } from "../support/fake-clock.ts";

test("zero() settles at once where nothing was counted", async () => {
  await expect(new Countdown().zero()).resolves.toBeUndefined();
});

test("zero() settles for everybody when the last one is done, and not before", async () => {
  const countdown = new Countdown();
  const settled: string[] = [];
  countdown.add();
  countdown.add();
  void countdown.zero().then(() => settled.push("a"));
  void countdown.zero().then(() => settled.push("b"));
  countdown.done();
  await promisesDone();
  expect(settled).toEqual([]);
  countdown.done();
  await promisesDone();
  expect(settled).toEqual(["a", "b"]);
});

test("counts again after it has been zero", () => {
  const countdown = new Countdown();
  countdown.add();
  countdown.done();
  countdown.add();
  expect(countdown.count).toBe(1);
});
