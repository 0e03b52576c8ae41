import type { Undo } from "./clock.ts";

/** Calls every listener of one kind, in the order they came. A listener that throws is reported and stops nobody. */
export class Emitter<T> {
  readonly #report: (error: unknown) => void;
  #listeners: readonly ((value: T) => void)[] = [];

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
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
