import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";

test.each([2 ** 31, Infinity])("a timer of %s ms does not run at once", async (delayMs) => {
  const task = vi.fn();
  const stop = systemClock.setTimer(delayMs, task);
  // One that ran at once would be due before this one.
  await new Promise<void>((resolve) => void systemClock.setTimer(2, resolve));
  stop();
  expect(task).not.toHaveBeenCalled();
});
