/**
 * What was noted for the newest refs of a session, in the order it was noted: a ring that forgets the oldest. A ref
 * above all before is known to be new without a look, which is the case of nearly every one.
 */
export class RecentRefs<T> {
  /** The highest ref ever noted. */
  highest = 0;
  /** The highest ref that was noted and forgotten. */
  forgotten = 0;
  readonly #max: number;
  readonly #refs: number[] = [];
  readonly #values: T[] = [];
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** What was noted for a ref; where that were several, the one that fits. */
  find(ref: number, fits: (value: T) => boolean = always): T | undefined {
    if (ref > this.highest) return undefined;
    return this.#values.find((value, index) => this.#refs[index] === ref && fits(value));
  }

  /** Notes it; returns what is forgotten for it. */
  add(ref: number, value: T): T | undefined {
    const at = this.#next;
    const isFull = this.#refs.length === this.#max;
    const oldest = isFull ? this.#values[at] : undefined;
    if (isFull) this.forgotten = Math.max(this.forgotten, this.#refs[at] as number);
    this.highest = Math.max(this.highest, ref);
    this.#refs[at] = ref;
    this.#values[at] = value;
    this.#next = at + 1 === this.#max ? 0 : at + 1;
    return oldest;
  }

  /** Goes through what is noted, oldest first, and puts what `change` returns in its place, until that is undefined. */
  replaceOldest(change: (value: T) => T | undefined): void {
    const length = this.#values.length;
    const first = length === this.#max ? this.#next : 0;
    for (let count = 0; count < length; count++) {
      const index = (first + count) % length;
      const changed = change(this.#values[index] as T);
      if (changed === undefined) return;
      this.#values[index] = changed;
    }
  }

  some(test: (ref: number, value: T) => boolean): boolean {
    return this.#refs.some((ref, index) => test(ref, this.#values[index] as T));
  }
}

function always(): boolean {
  return true;
}
