import { isPromised, type Awaitable } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { BrokerFailure } from "./guarded-broker.ts";
import { tableError, type Report } from "./refusal.ts";

/**
 * Does again what the broker failed to do, until it is done, or nobody needs it any more: then rejects `UNAVAILABLE`.
 * Without `isNeeded` it is tried once.
 */
export type Insist = <T>(task: () => Awaitable<T>, isNeeded?: () => boolean) => Awaitable<T>;

/** What insisting needs of the node. */
export interface InsistContext {
  readonly clock: Clock;
  readonly report: Report;
}

const firstWaitMs = 250;
const longestWaitMs = 4000;

/**
 * Makes what every call to the broker that somebody waits for goes through. A broker that is away is no reason to
 * refuse: the call waits here, in its place in the room's queue, so that nothing overtakes it; and what did get through
 * before its answer was lost is recognised by its ref. The first failure is reported, the repeats are not. Only a
 * `BrokerFailure` is repeated: what the broker refuses, and what a fault of the program throws, stays what it is however
 * often the call is made.
 */
export function insistence({ clock, report }: InsistContext): Insist {
  const again = async <T>(
    failure: unknown,
    task: () => Awaitable<T>,
    isNeeded: () => boolean,
  ): Promise<T> => {
    if (!(failure instanceof BrokerFailure)) throw failure;
    report(failure, "broker");
    for (let waitMs = firstWaitMs; isNeeded(); waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      await new Promise<void>((resolve) => void clock.setTimer(waitMs, resolve));
      if (!isNeeded()) break;
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof BrokerFailure)) throw error;
        // Reported once; the next round tells whether it is over.
      }
    }
    throw tableError("UNAVAILABLE", failure.cause);
  };
  return (task, isNeeded = () => false) => {
    try {
      const result = task();
      return isPromised(result) ? result.catch((error: unknown) => again(error, task, isNeeded)) : result;
    } catch (error) {
      return again(error, task, isNeeded);
    }
  };
}
