import type { Random } from "../base/random.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Chance that is decided by a number: the same seed gives the same draws, on every machine. The generator is sfc32.
 * Give each part of a simulation a {@link SeededRandom.fork} of its own, so that one more draw here changes nothing
 * there.
 */
export class SeededRandom implements Random {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#a = mix(this.seed);
    this.#b = mix(this.#a ^ 0x9e3779b9);
    this.#c = mix(this.#b ^ Math.floor(seed / 0x1_0000_0000));
    for (let round = 0; round < 12; round += 1) this.#next();
  }

  /** A number in [0, 1). */
  float(): number {
    return this.#next() / 0x1_0000_0000;
  }

  id(length: number): string {
    let text = "";
    for (let index = 0; index < length; index += 1) text += alphabet.charAt(this.#next() >>> 26);
    return text;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  /** A number from `low` up to `high` where each order of magnitude is as likely as the next. Both must be above 0. */
  scale(low: number, high: number): number {
    return low * (high / low) ** this.float();
  }

  /** True this often. */
  chance(share: number): boolean {
    return this.float() < share;
  }

  /** One of them; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  /** One of the keys, each as often as its number says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    let sum = 0;
    for (const key in weights) sum += weights[key];
    let left = this.float() * sum;
    let last: Key | undefined;
    for (const key in weights) {
      last = key;
      left -= weights[key];
      if (left < 0) break;
    }
    return last as Key;
  }

  /** The wait for the next of what comes at random every `meanMs` on average. */
  waitMs(meanMs: number): number {
    return -Math.log(1 - this.float()) * meanMs;
  }

  /** Another generator, decided by this one's seed and the label alone. */
  fork(label: string): SeededRandom {
    let hash = this.seed;
    for (let index = 0; index < label.length; index += 1) hash = mix(hash ^ label.charCodeAt(index));
    return new SeededRandom(hash);
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}

/** Spreads the bits of a number over the whole of another (splitmix32). */
function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
