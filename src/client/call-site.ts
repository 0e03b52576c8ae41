import type { Clock } from "../base/clock.ts";
import { BowlineError } from "../protocol/errors.ts";

/** Where in the program something was asked for; without a stack where that is not known. */
export interface CallSite {
  stack?: string;
}

/** To note a place costs as much as a publish does: in a busy second, only so many are. */
const sitesMax = 100;

/** Makes what notes where the program is, as far as the platform tells. */
export function callSites(clock: Clock): () => CallSite {
  let second = 0;
  let noted = 0;
  return () => {
    const site: CallSite = {};
    const now = Math.trunc(clock.elapsed() / 1000);
    noted = now === second ? noted + 1 : 0;
    second = now;
    if (noted < sitesMax) (Error as { captureStackTrace?(site: CallSite): void }).captureStackTrace?.(site);
    return site;
  };
}

/** The same error for one caller: it says what it refuses, and its stack shows where that was asked for. */
export function errorAt(error: unknown, { stack }: CallSite, about?: object): Error {
  if (!(error instanceof BowlineError)) return error as Error;
  const own = new BowlineError(error.code, error.message, Object.assign({}, error, about));
  if (stack) own.stack = stack.replace(/.*/, String(own));
  return own;
}
