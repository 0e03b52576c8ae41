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
    const name = this.#nameOf(code, place, nowMs);
    const kind = this.#kinds.get(name);
    if (kind && isFresh(kind, nowMs)) {
      kind.leftOut += 1;
      return null;
    }
    this.#kinds.delete(name);
    this.#kinds.set(name, { code, sinceMs: nowMs, leftOut: 0 });
    return kind?.leftOut ?? 0;
  }

  /** The kind that a refusal counts as: of its own, of all other places of its code, or of all else. */
  #nameOf(code: string, place: string, nowMs: number): string {
    const exact = `${code} ${place}`;
    const kind = this.#kinds.get(exact);
    if (kind && isFresh(kind, nowMs)) return exact;
    if (this.#freshOf(code, nowMs) < kindsPerCodeMax && (kind || this.#hasRoom(nowMs))) return exact;
    const elsewhere = `${code} elsewhere`;
    return this.#kinds.has(elsewhere) || this.#hasRoom(nowMs) ? elsewhere : "elsewhere";
  }

  #freshOf(code: string, nowMs: number): number {
    let count = 0;
    for (const kind of this.#kinds.values()) if (kind.code === code && isFresh(kind, nowMs)) count += 1;
    return count;
  }

  /** Whether there may be one more; the oldest go for it, unless their ten seconds last. */
  #hasRoom(nowMs: number): boolean {
    for (const [name, kind] of this.#kinds) {
      if (this.#kinds.size < kindsMax) break;
      if (isFresh(kind, nowMs)) return false;
      this.#kinds.delete(name);
    }
    return true;
  }
}

function isFresh({ sinceMs }: Kind, nowMs: number): boolean {
  return nowMs - sinceMs < windowMs;
}
