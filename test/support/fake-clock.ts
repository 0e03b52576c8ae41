import type { Clock, Undo } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";

interface Timer {
  readonly atMs: number;
  readonly task: () => void;
}

/** A clock that stands still until it is told to advance. */
export class FakeClock implements Clock {
  /** What `now()` says more than `elapsed()`. Change it to let the wall clock jump. */
  wallMs = 1_700_000_000_000;
  #elapsedMs = 5000;
  #timers: Timer[] = [];
  #deferred: (() => void)[] = [];

  now(): number {
    return this.wallMs + this.#elapsedMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, task: () => void): Undo {
    const timer: Timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(task: () => void): void {
    this.#deferred.push(task);
  }

  /** Runs what was deferred before this call. */
  runDeferred(): void {
    for (const task of this.#deferred.splice(0)) task();
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** How long until the next timer; Infinity when there is none. */
  get nextTimerMs(): number {
    return Math.min(...this.#timers.map(({ atMs }) => atMs)) - this.#elapsedMs;
  }

  /** Lets everything happen that needs no more time: promises, and what was deferred. */
  async settle(): Promise<void> {
    for (;;) {
      await promisesDone();
      const deferred = this.#deferred.splice(0);
      if (deferred.length === 0) return;
      for (const task of deferred) task();
    }
  }

  /** A single turn: what was deferred before it runs, and the promises after that. */
  async turn(): Promise<void> {
    await promisesDone();
    this.runDeferred();
    await promisesDone();
  }

  /** Lets time pass, with every timer run at its moment. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await this.settle();
    for (let next = this.#takeDue(untilMs); next; next = this.#takeDue(untilMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs);
      next.task();
      await this.settle();
    }
    this.#elapsedMs = untilMs;
  }

  /** Lets time pass while nothing runs, as on a machine that sleeps; what became due runs when it wakes. */
  async sleep(ms: number): Promise<void> {
    this.#elapsedMs += ms;
    await this.advance(0);
  }

  /**
   * Lets time pass while the process is held up. As on a real event loop, the timers that became due run first, then what
   * came meanwhile is read, then what was deferred runs.
   */
  async holdUp(ms: number, read: () => void): Promise<void> {
    await this.settle();
    this.#elapsedMs += ms;
    for (let next = this.#takeDue(this.#elapsedMs); next; next = this.#takeDue(this.#elapsedMs)) next.task();
    read();
    await this.advance(0);
  }

  #takeDue(untilMs: number): Timer | undefined {
    const [first] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
    if (!first || first.atMs > untilMs) return undefined;
    this.#timers = this.#timers.filter((other) => other !== first);
    return first;
  }
}

/** Chance that is set by hand: every `float()` is `next`, and every id another one. */
export class FakeRandom implements Random {
  next = 0.5;
  #ids = 0;

  float(): number {
    return this.next;
  }

  id(length: number): string {
    this.#ids += 1;
    return String(this.#ids).padStart(length, "x");
  }
}

/** Resolves when no promise is left to run: the event loop goes on to its next turn only then. */
export function promisesDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
