import type { Random } from "./random.ts";

/** Upper ends of the waits between reconnection attempts, in milliseconds; the last one repeats for ever. */
export const backoffCeilingsMs: readonly number[] = [1000, 2000, 4000, 8000, 16_000, 30_000];

/**
 * How long to wait before attempt `attempt` (0 = the first retry). Full jitter: uniform between 0 and the ceiling, so
 * that clients cut off together do not come back together (AWS, "Exponential Backoff and Jitter", 2015).
 */
export function backoffMs(attempt: number, random: Random): number {
  const ceiling = backoffCeilingsMs[Math.min(attempt, backoffCeilingsMs.length - 1)] as number;
  return Math.round(random.float() * ceiling);
}
