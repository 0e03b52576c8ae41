import type { Clock, Undo } from "./clock.ts";

/**
 * Runs `task` when the time is over and what came meanwhile was read. A process that was held up finds its timers due
 * before it reads its sockets, where the very answer may lie that it waits for.
 */
export function whenOverdue(clock: Clock, limitMs: number, task: () => void): Undo {
  let isOff = false;
  const stopTimer = clock.setTimer(limitMs, () => clock.defer(() => isOff || task()));
  return () => {
    isOff = true;
    stopTimer();
  };
}

/** Rejects with `late()` when `work` takes longer than `limitMs`; what becomes of it then, nobody hears. */
export function within<T>(clock: Clock, limitMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopTimer = whenOverdue(clock, limitMs, () => reject(late()));
    work.then(resolve, reject).finally(stopTimer);
  });
}
