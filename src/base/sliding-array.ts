/**
 * An array that grows at the end and is dropped from the front, both at constant cost on average. Dropped elements
 * stay in place until they are half of it, and are then cut off together.
 */
export class SlidingArray<T> {
  #items: T[] = [];
  #dropped = 0;

  get length(): number {
    return this.#items.length - this.#dropped;
  }

  at(index: number): T | undefined {
    return this.#items[this.#dropped + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** At most `count` elements from `start` on. */
  slice(start: number, count: number): T[] {
    const from = this.#dropped + start;
    return this.#items.slice(from, from + count);
  }

  dropFront(count: number): void {
    const end = this.#dropped + Math.min(count, this.length);
    // What is dropped must not be kept alive by its place.
    this.#items.fill(undefined as T, this.#dropped, end);
    this.#dropped = end;
    if (this.#dropped < 64 || this.#dropped * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#dropped);
    this.#dropped = 0;
  }
}
