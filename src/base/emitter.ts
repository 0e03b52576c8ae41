import { attempt } from "./awaitable.ts";
import type { Undo } from "./clock.ts";

/**
 * Calls every listener of one kind, in the order they came. A listener that throws, or gives a promise that rejects, is reported and stops nobody. What a
 * listener emits in turn follows once all have heard the former: they all hear the same order.
 */
export class Emitter<T> {
  readonly #report: (error: unknown) => void;
  #listeners: readonly ((value: T) => void)[] = [];
  /** What is being told, and what came meanwhile. */
  #queue: T[] = [];

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Whether anybody listens: what is costly to make need not be made for nobody. */
  get isHeard(): boolean {
    return this.#listeners.length > 0;
  }

  /** Adds a listener; the returned undo removes it. */
  on(listener: (value: T) => void): Undo {
    // A wrapper of its own, so that adding the same function twice gives two listeners with an undo each.
    const own = (value: T): void => listener(value);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  emit(value: T): void {
    if (this.#queue.push(value) > 1) return;
    for (const next of this.#queue) {
      for (const listener of this.#listeners) {
        attempt(() => listener(next), this.#report);
      }
    }
    this.#queue = [];
  }
}
