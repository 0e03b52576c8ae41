import type { Clock } from "../base/clock.ts";
import { SlidingArray } from "../base/sliding-array.ts";
import type { LogBound, LogEntry } from "./broker.ts";

const countMax = 512;
const lengthMax = 1024 * 1024;

interface TailEntry {
  readonly entry: LogEntry;
  readonly receivedMs: number;
}

/** What the tails of a node take together, in UTF-16 units. */
export interface TailUsage {
  length: number;
}

/**
 * The newest entries of a room's log, for readers that fell behind or come back: most need only these, and they cost no
 * read of the log. Bounded to 512 entries and 1 Mi UTF-16 units of their data, and by the bound of the log: what that has
 * given up is not to be had here either.
 */
export class Tail {
  readonly #clock: Clock;
  readonly #countMax: number;
  readonly #ageMs: number;
  readonly #usage: TailUsage;
  readonly #entries = new SlidingArray<TailEntry>();
  #base = 0;
  #length = 0;

  constructor(clock: Clock, bound: LogBound, usage: TailUsage) {
    this.#usage = usage;
    this.#clock = clock;
    this.#countMax = Math.min(countMax, bound.count);
    this.#ageMs = bound.ageMs;
  }

  /** Empties it; the next entry pushed has the offset after `base`. */
  reset(base: number): void {
    this.#usage.length -= this.#length;
    this.#entries.dropFront(this.#entries.length);
    this.#base = base;
    this.#length = 0;
  }

  /** Gives up its entries: who needs them reads the log. */
  clear(): void {
    this.reset(this.#base + this.#entries.length);
  }

  push(entry: LogEntry): void {
    this.#entries.push({ entry, receivedMs: this.#clock.elapsed() });
    this.#length += entry.data.length;
    this.#usage.length += entry.data.length;
    while (this.#entries.length > this.#countMax || this.#length > lengthMax) this.#dropOldest();
  }

  /** The entries after `offset` up to and including `last`, at most `limit`; null when it does not reach back that far. */
  after(offset: number, last: number, limit: number): LogEntry[] | null {
    const oldestMs = this.#clock.elapsed() - this.#ageMs;
    while ((this.#entries.at(0)?.receivedMs ?? Infinity) < oldestMs) this.#dropOldest();
    if (offset < this.#base) return null;
    return this.#entries.slice(offset - this.#base, Math.min(limit, last - offset)).map(({ entry }) => entry);
  }

  #dropOldest(): void {
    const length = this.#entries.at(0)?.entry.data.length ?? 0;
    this.#length -= length;
    this.#usage.length -= length;
    this.#entries.dropFront(1);
    this.#base += 1;
  }
}
