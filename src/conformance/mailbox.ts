import type { Clock, Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";

/** Who waits for the next item. */
interface Waiter<T> {
  readonly fits: (item: T) => boolean;
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
  readonly stopTimer: Undo;
}

/** What comes from the other end, in its order, until a step takes it. One waits at a time. */
export class Mailbox<T> {
  readonly #clock: Clock;
  #items: T[] = [];
  #waiter: Waiter<T> | null = null;
  #end: Error | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What nobody took yet. */
  get rest(): readonly T[] {
    return this.#items;
  }

  /** Whether nothing more comes. */
  get isOver(): boolean {
    return this.#end !== null;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#look();
  }

  /** Nothing more comes, for that reason. What came is still to be had. */
  end(error: Error): void {
    this.#end ??= error;
    this.#look();
  }

  /** Takes the first item that fits. Rejects with `late()` when none comes in time, and with the reason of the end. */
  take(limitMs: number, late: () => Error, fits: (item: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve, reject) => {
      const stopTimer = whenOverdue(this.#clock, limitMs, () => this.#release()?.reject(late()));
      this.#waiter = { fits, resolve, reject, stopTimer };
      this.#look();
    });
  }

  /** Takes all that came. */
  drain(): T[] {
    return this.#items.splice(0);
  }

  #look(): void {
    if (!this.#waiter) return;
    const index = this.#items.findIndex(this.#waiter.fits);
    const [item] = index < 0 ? [] : this.#items.splice(index, 1);
    if (item !== undefined) this.#release()?.resolve(item);
    else if (this.#end) this.#release()?.reject(this.#end);
  }

  #release(): Waiter<T> | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.stopTimer();
    return waiter;
  }
}
