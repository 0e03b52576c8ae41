import type { Clock, Undo } from "bowline/client";

interface Timer {
  readonly atMs: number;
  readonly task: () => void;
}

/** A clock that stands still until it is advanced. Turns of the event loop are the machine's. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return 1_767_225_600_000 + this.#elapsedMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, task: () => void): Undo {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(task: () => void): void {
    setImmediate(task);
  }

  /** Lets time pass: each timer runs at its moment, and what follows from it before the next one. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#timers.delete(next);
      this.#elapsedMs = next.atMs;
      next.task();
      await turns();
    }
    this.#elapsedMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    const [first] = [...this.#timers].toSorted((a, b) => a.atMs - b.atMs);
    return first && first.atMs <= untilMs ? first : undefined;
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
