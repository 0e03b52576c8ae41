import type { Clock } from "../../base/clock.ts";

/** How long one line of a kind stands for all others of it. */
export const windowMs = 10_000;
/** Most kinds that are told apart at a time, and of one code. */
export const kindsMax = 200;
export const kindsPerCodeMax = 20;

/** What was refused in the same way at the same place. */
interface Kind {
  readonly code: string;
  sinceMs: number;
  leftOut: number;
}

/**
 * Lets one line of each kind through in ten seconds, and counts the others. What strangers send names places, too: beyond
 * a number of places, those of a code count as one, so that nobody fills a disk, or hides one code behind another.
 */
export class LineLimit {
  readonly #clock: Clock;
  /** Those whose line was written the longest ago come first. */
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many were left out since the last line of this kind; null where this one is left out as well. */
  take(code: string, place: string): number | null {
    const nowMs = this.#clock.elapsed();
    const exact = `${code} ${place}`;
    const name = this.#kinds.has(exact) || this.#hasRoom(code, nowMs) ? exact : `${code} elsewhere`;
    const kind = this.#kinds.get(name);
    if (kind && nowMs - kind.sinceMs < windowMs) {
      kind.leftOut += 1;
      return null;
    }
    if (kind) this.#kinds.delete(name);
    else if (this.#kinds.size >= kindsMax) this.#forgetOldest();
    this.#kinds.set(name, { code, sinceMs: nowMs, leftOut: 0 });
    return kind?.leftOut ?? 0;
  }

  /** Whether one more place of a code may have lines of its own. */
  #hasRoom(code: string, nowMs: number): boolean {
    let ofCode = 0;
    for (const kind of this.#kinds.values())
      if (kind.code === code && nowMs - kind.sinceMs < windowMs) ofCode += 1;
    return ofCode < kindsPerCodeMax;
  }

  #forgetOldest(): void {
    for (const name of this.#kinds.keys()) {
      this.#kinds.delete(name);
      return;
    }
  }
}
