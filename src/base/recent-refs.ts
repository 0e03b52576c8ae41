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

  find(ref: number): T | undefined {
    return ref > this.highest ? undefined : this.#values[this.#refs.indexOf(ref)];
  }

  add(ref: number, value: T): void {
    this.highest = Math.max(this.highest, ref);
    if (this.#refs.length === this.#max)
      this.forgotten = Math.max(this.forgotten, this.#refs[this.#next] as number);
    this.#refs[this.#next] = ref;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#max;
  }

  some(test: (ref: number, value: T) => boolean): boolean {
    return this.#refs.some((ref, index) => test(ref, this.#values[index] as T));
  }
}
