import { SlidingArray } from "../base/sliding-array.ts";

const countMax = 512;
const lengthMax = 1024 * 1024;

/**
 * The newest frames of a room, for readers that fell behind or come back: most need only these, and they cost no read
 * of the log. Bounded to 512 frames and 1 Mi UTF-16 units.
 */
export class Tail {
  readonly #frames = new SlidingArray<string>();
  #base = 0;
  #length = 0;

  /** Empties it; the next frame pushed has the offset after `base`. */
  reset(base: number): void {
    this.#frames.dropFront(this.#frames.length);
    this.#base = base;
    this.#length = 0;
  }

  push(frame: string): void {
    this.#frames.push(frame);
    this.#length += frame.length;
    while (this.#frames.length > countMax || (this.#length > lengthMax && this.#frames.length > 1)) {
      this.#length -= (this.#frames.at(0) as string).length;
      this.#frames.dropFront(1);
      this.#base += 1;
    }
  }

  /** The frames after `offset` up to and including `last`, at most `limit`; null when it does not reach back that far. */
  after(offset: number, last: number, limit: number): string[] | null {
    if (offset < this.#base) return null;
    return this.#frames.slice(offset - this.#base, Math.min(limit, last - offset));
  }
}
