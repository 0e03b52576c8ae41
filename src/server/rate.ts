import type { Limits } from "./limits.ts";

/** The limits that a {@link Rate} holds a connection to. */
export type RateLimits = Pick<
  Limits,
  "framesPerSecond" | "framesBurst" | "bytesPerSecond" | "bytesBurst" | "throttledMs"
>;

/** How much unspent allowance ends a spell of being slowed down, in seconds of the rate. */
const recoveredSeconds = 1;
/** The shortest time for which a connection over its rate is not read. */
const pauseMsMin = 250;

/** What one connection may send: two token buckets, of frames and of bytes, looked at closely only when one is empty. */
export class Rate {
  readonly #limits: RateLimits;
  #frames: number;
  #bytes: number;
  #filledMs: number;
  #throttledSinceMs: number | null = null;

  constructor(limits: RateLimits, nowMs: number) {
    this.#limits = limits;
    this.#frames = limits.framesBurst;
    this.#bytes = limits.bytesBurst;
    this.#filledMs = nowMs;
  }

  /** Takes what came from both allowances. False when one is overdrawn: then {@link settle} says what to do. */
  spend(bytes: number, frames: number): boolean {
    this.#frames -= frames;
    this.#bytes -= bytes;
    return this.#frames >= 0 && this.#bytes >= 0;
  }

  /** How long not to read, in milliseconds: 0 when there was enough after all, `null` when that went on for too long. */
  settle(nowMs: number): number | null {
    const { framesPerSecond, framesBurst, bytesPerSecond, bytesBurst, throttledMs } = this.#limits;
    const seconds = Math.max(0, nowMs - this.#filledMs) / 1000;
    this.#filledMs = nowMs;
    this.#frames = refill(this.#frames, seconds, framesPerSecond, framesBurst);
    this.#bytes = refill(this.#bytes, seconds, bytesPerSecond, bytesBurst);
    const hasRecovered =
      this.#frames >= Math.min(framesBurst, framesPerSecond * recoveredSeconds) &&
      this.#bytes >= Math.min(bytesBurst, bytesPerSecond * recoveredSeconds);
    if (hasRecovered) this.#throttledSinceMs = null;
    const debtMs = 1000 * Math.max(-this.#frames / framesPerSecond, -this.#bytes / bytesPerSecond);
    if (debtMs <= 0) return 0;
    this.#throttledSinceMs ??= nowMs;
    // No use in waiting for one that would have to be slowed down for too long by what it has sent at once.
    if (nowMs - this.#throttledSinceMs > throttledMs || debtMs > throttledMs) return null;
    return Math.max(pauseMsMin, debtMs);
  }
}

/** A limit that is turned off is `Infinity`, and no time times that is no number. */
function refill(left: number, seconds: number, perSecond: number, burst: number): number {
  return seconds > 0 ? Math.min(burst, left + seconds * perSecond) : left;
}
