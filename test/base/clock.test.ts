import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";

test("a timer runs, and one that was undone does not", async () => {
  const ran: string[] = [];
  const undo = systemClock.setTimer(0, () => ran.push("undone"));
  undo();
  await new Promise<void>((resolve) => {
    systemClock.setTimer(1, () => {
      ran.push("kept");
      resolve();
    });
  });
  expect(ran).toEqual(["kept"]);
});

test("a deferred task runs after every promise that is ready", async () => {
  const ran: string[] = [];
  const done = new Promise<void>((resolve) => {
    systemClock.defer(() => {
      ran.push("deferred");
      resolve();
    });
  });
  void Promise.resolve().then(() => ran.push("promise"));
  await done;
  expect(ran).toEqual(["promise", "deferred"]);
});

test("now() is the time of day, elapsed() never goes back", () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  const first = systemClock.elapsed();
  expect(systemClock.elapsed()).toBeGreaterThanOrEqual(first);
});
