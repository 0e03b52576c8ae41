import type { Clock } from "../base/clock.ts";
import { within } from "../base/deadline.ts";
import type { Session } from "./session.ts";
import type { Store, StoreChange } from "./store.ts";

/** How long a store may take to keep something. */
const saveTimeoutMs = 60_000;

/**
 * What the client has told its store, and what the store still owes it. A change that only concerns one call is refused
 * with the call when it can't be saved; what has happened all the same (the session moved on, a publish is settled) goes
 * in front of every later save until it is kept, so that nothing is built on what a reload would not know of.
 */
export class Journal {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #session: Session;
  readonly #settledOwed = new Set<number>();

  constructor(store: Store, clock: Clock, session: Session) {
    this.#store = store;
    this.#clock = clock;
    this.#session = session;
  }

  /** Saves changes after what is owed: null when that is done, or nothing is to do. Throws or rejects when it can't. */
  save(changes: readonly StoreChange[]): Promise<void> | null {
    const settled = Array.from(this.#settledOwed, (ref): StoreChange => ({ type: "settled", ref }));
    this.#settledOwed.clear();
    const all = [...this.#session.takeChanges(), ...settled, ...changes];
    if (all.length === 0) return null;
    const failed = (error: unknown): never => {
      for (const change of all) this.#owe(change);
      throw error;
    };
    try {
      const saved = this.#store.save(all);
      return saved ? within(this.#clock, saveTimeoutMs, Promise.resolve(saved), late).catch(failed) : null;
    } catch (error) {
      return failed(error);
    }
  }

  #owe(change: StoreChange): void {
    if (change.type === "session") this.#session.isChanged = true;
    if (change.type === "settled") this.#settledOwed.add(change.ref);
    // It may be kept after all, by a store that was late: its caller was told that it is not.
    if (change.type === "put") this.#settledOwed.add(change.publish.ref);
  }
}

function late(): Error {
  return new Error(`the store took over ${saveTimeoutMs} ms`);
}
