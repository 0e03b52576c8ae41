import { reasonOf } from "#client/help";
import type { Clock } from "../base/clock.ts";
import { within } from "../base/deadline.ts";
import type { Session } from "./session.ts";
import type { Store, StoreChange } from "./store.ts";

/** How long a store may take to keep something. */
const saveTimeoutMs = 60_000;

/** Saves changes after what is owed: null when that is done, or nothing is to do. Throws or rejects when it can't. */
export type Save = (changes: readonly StoreChange[]) => Promise<void> | null;

/**
 * Knows what the client has told its store, and what the store still owes it. A change that only concerns one call is
 * refused with the call when it can't be saved; what has happened all the same (the session moved on, a publish is
 * settled) goes in front of every later save until it is kept, so that nothing is built on what a reload would not know
 * of.
 */
export function journal(store: Store, clock: Clock, session: Session): Save {
  let owed: StoreChange[] = [];
  return (changes) => {
    const all = [...session.takeChanges(), ...owed, ...changes];
    owed = [];
    const failed = (error: unknown): never => {
      for (const change of all) {
        if (change.type === "session") session.isChanged = true;
        if (change.type === "settled") owed.push(change);
        // It may be kept after all, by a store that was late: its caller was told that it is not.
        if (change.type === "put") owed.push({ type: "settled", ref: change.publish.ref });
      }
      throw error;
    };
    try {
      const saved = all.length > 0 && store.save(all);
      return saved ? within(clock, saveTimeoutMs, Promise.resolve(saved), late).catch(failed) : null;
    } catch (error) {
      return failed(error);
    }
  };
}

function late(): Error {
  return new Error(reasonOf("STORE_TIMEOUT"));
}
