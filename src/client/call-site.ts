import type { Clock } from "../base/clock.ts";
import { BowlineError } from "../protocol/errors.ts";

/**
 * Where in the program something was asked for: makes an error that one caller's own, whose stack shows that place where
 * it is known.
 */
export type CallSite = (error: unknown, about: object) => Error;

/** To note a place costs as much as a publish does: in a busy second, only so many are. */
const sitesMax = 100;

/** Makes what notes where the program is, as far as the platform tells. */
export function callSites(clock: Clock): () => CallSite {
  let second = 0;
  let noted = 0;
  return () => {
    const site: { stack?: string } = {};
    const now = Math.trunc(clock.elapsed() / 1000);
    noted = now === second ? noted + 1 : 0;
    second = now;
    if (noted < sitesMax) (Error as { captureStackTrace?(site: object): void }).captureStackTrace?.(site);
    return (error, about) => {
      const own = errorAbout(error, about);
      if (site.stack && own !== error) own.stack = site.stack.replace(/.*/, String(own));
      return own;
    };
  };
}

/** The same error for one caller: it says what it refuses. */
export function errorAbout(error: unknown, about?: object): Error {
  if (!(error instanceof BowlineError)) return error as Error;
  return new BowlineError(error.code, error.message, Object.assign({}, error, about));
}
