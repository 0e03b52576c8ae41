/** Undoes what the call that returned it did; calling it again does nothing. */
export type Undo = () => void;

/**
 * Time, as the rest of Bowline sees it. Everything that waits or reads the hour does it through one of these, so that
 * the simulator can run a minute in a millisecond.
 */
export interface Clock {
  /** Wall-clock milliseconds since 1970, for stamps people read. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment. Never goes back: measure durations with it. */
  elapsed(): number;
  /** Runs `task` once after `delayMs`; the returned undo cancels it. */
  setTimer(delayMs: number, task: () => void): Undo;
  /** Runs `task` once everything that is ready in this turn of the event loop has been handled. */
  defer(task: () => void): void;
}

/** Timers of the platforms take no longer delays, and run those at once. Whoever waits for weeks is woken a bit early. */
const delayMsMax = 2 ** 31 - 1;

function startTimer(delayMs: number, task: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(task, Math.min(delayMs, delayMsMax));
}

/** The clock of a page, which has no `setImmediate`: nothing there is done so often that the difference would be felt. */
export const pageClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimer(delayMs, task) {
    const timer = startTimer(delayMs, task);
    return () => clearTimeout(timer);
  },
  defer: (task) => void setTimeout(task, 0),
};

/** Runs `task` once after `delayMs` of the machine's time, unless the process ends before: it keeps none alive. */
export function backgroundTimer(delayMs: number, task: () => void): Undo {
  const timer = startTimer(delayMs, task) as ReturnType<typeof setTimeout> & {
    unref?(): void;
  };
  timer.unref?.();
  return () => clearTimeout(timer);
}

/** The clock of the machine. */
export const systemClock: Clock = /* @__PURE__ */ (() => ({
  ...pageClock,
  defer: (task: () => void) => void setImmediate(task),
}))();
