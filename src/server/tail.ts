import type { Clock } from "../base/clock.ts";
import { SlidingArray } from "../base/sliding-array.ts";
import type { LogBound } from "./broker.ts";

const countMax = 512;
const lengthMax = 1024 * 1024;

interface TailFrame {
  readonly text: string;
  readonly receivedMs: number;
}

/** What the tails of a node take together, in UTF-16 units. */
export interface TailUsage {
  length: number;
}

/**
 * The newest frames of a room, for readers that fell behind or come back: most need only these, and they cost no read
 * of the log. Bounded to 512 frames and 1 Mi UTF-16 units, and by the bound of the log: what that has given up is not
 * to be had here either.
 */
export class Tail {
  readonly #clock: Clock;
  readonly #countMax: number;
  readonly #ageMs: number;
  readonly #usage: TailUsage;
  readonly #frames = new SlidingArray<TailFrame>();
  #base = 0;
  #length = 0;

  constructor(clock: Clock, bound: LogBound, usage: TailUsage) {
    this.#usage = usage;
    this.#clock = clock;
    this.#countMax = Math.min(countMax, bound.count);
    this.#ageMs = bound.ageMs;
  }

  /** Empties it; the next frame pushed has the offset after `base`. */
  reset(base: number): void {
    this.#usage.length -= this.#length;
    this.#frames.dropFront(this.#frames.length);
    this.#base = base;
    this.#length = 0;
  }

  /** Gives up its frames: who needs them reads the log. */
  clear(): void {
    this.reset(this.#base + this.#frames.length);
  }

  push(text: string): void {
    this.#frames.push({ text, receivedMs: this.#clock.elapsed() });
    this.#length += text.length;
    this.#usage.length += text.length;
    while (this.#frames.length > this.#countMax || this.#length > lengthMax) this.#dropOldest();
  }

  /** The frames after `offset` up to and including `last`, at most `limit`; null when it does not reach back that far. */
  after(offset: number, last: number, limit: number): string[] | null {
    const oldestMs = this.#clock.elapsed() - this.#ageMs;
    while ((this.#frames.at(0)?.receivedMs ?? Infinity) < oldestMs) this.#dropOldest();
    if (offset < this.#base) return null;
    return this.#frames.slice(offset - this.#base, Math.min(limit, last - offset)).map(({ text }) => text);
  }

  #dropOldest(): void {
    const length = this.#frames.at(0)?.text.length ?? 0;
    this.#length -= length;
    this.#usage.length -= length;
    this.#frames.dropFront(1);
    this.#base += 1;
  }
}
