import type { Random } from "./random.ts";

/** Upper end of the wait before attempt `attempt`, in milliseconds: doubled each time, up to one that repeats for ever. */
export function backoffCeilingMs(attempt: number): number {
  return Math.min(30_000, 1000 * 2 ** attempt);
}

/**
 * How long to wait before attempt `attempt` (0 = the first retry). Full jitter: uniform between 0 and the ceiling, so
 * that clients cut off together do not come back together (AWS, "Exponential Backoff and Jitter", 2015).
 */
export function backoffMs(attempt: number, random: Random): number {
  const ceiling = backoffCeilingMs(attempt);
  return Math.round(random.float() * ceiling);
}
