import type { Clock } from "./clock.ts";

/** Rejects with `late()` when `work` takes longer than `limitMs`; what becomes of it then, nobody hears. */
export function within<T>(clock: Clock, limitMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopTimer = clock.setTimer(limitMs, () => reject(late()));
    work.then(resolve, reject).finally(stopTimer);
  });
}
