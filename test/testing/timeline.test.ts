import { expect, test } from "vitest";
import { SimProcess } from "../../src/testing/sim-process.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { Timeline } from "../../src/testing/timeline.ts";

test("events run in the order of their moment, then of their making; what is deferred runs last", async () => {
  const timeline = new Timeline();
  const order: string[] = [];
  timeline.after(5, () => order.push("late"));
  timeline.defer(() => order.push("deferred"));
  timeline.after(0, () => order.push("first"));
  timeline.after(0, () => order.push("second"));
  await timeline.run(10);
  expect(order).toEqual(["first", "second", "deferred", "late"]);
  expect(timeline.nowMs).toBe(10);
});

test("every promise goes on before the next event", async () => {
  const timeline = new Timeline();
  const order: string[] = [];
  timeline.after(1, () => {
    void (async () => {
      for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
      order.push("promises");
    })();
  });
  timeline.after(1, () => order.push("next"));
  await timeline.run(1);
  expect(order).toEqual(["promises", "next"]);
});

test("what was undone does not run", async () => {
  const timeline = new Timeline();
  const undo = timeline.after(1, () => expect.unreachable());
  undo();
  await timeline.run(5);
  expect(timeline.steps).toBe(0);
});

test("an event that throws ends the run", async () => {
  const timeline = new Timeline();
  timeline.after(1, () => {
    throw new Error("broken");
  });
  await expect(timeline.run(5)).rejects.toThrow("broken");
});

test("events that beget events without end are noticed", { timeout: 30_000 }, async () => {
  const timeline = new Timeline();
  const again = (): void => void timeline.after(0, again);
  again();
  await expect(timeline.run(5)).rejects.toThrow("time stands still at 0 ms");
});

test("a process that sleeps gets everything when it wakes, in order; a dead one nothing", async () => {
  const timeline = new Timeline();
  const process = new SimProcess("one", timeline);
  const order: string[] = [];
  process.clock.setTimer(10, () => order.push("timer"));
  process.sleep();
  timeline.after(5, () => process.run(() => order.push("frame")));
  timeline.after(20, () => process.wake());
  await timeline.run(19);
  expect(order).toEqual([]);
  await timeline.run(20);
  expect(order).toEqual(["frame", "timer"]);
  process.clock.setTimer(1, () => order.push("never"));
  process.kill();
  await timeline.run(40);
  expect(order).toEqual(["frame", "timer"]);
});

test("a seed gives the same draws, and its forks others that do not disturb each other", () => {
  const draws = (random: SeededRandom): number[] => Array.from({ length: 5 }, () => random.int(0, 1000));
  expect(draws(new SeededRandom(7))).toEqual(draws(new SeededRandom(7)));
  expect(draws(new SeededRandom(7))).not.toEqual(draws(new SeededRandom(8)));
  const parent = new SeededRandom(7);
  const before = draws(parent.fork("a"));
  parent.float();
  expect(draws(parent.fork("a"))).toEqual(before);
  expect(draws(parent.fork("b"))).not.toEqual(before);
});
