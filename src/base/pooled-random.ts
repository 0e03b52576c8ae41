import { base64Url } from "./base64-url.ts";
import type { Random } from "./random.ts";

/** Drawn from the system at a time: one call for many ids, each of which would cost more than the rest of its work. */
const poolBytes = 4096;

/** The platform's randomness, for a server, which draws an id for each session. */
export class PooledRandom implements Random {
  readonly #pool = new Uint8Array(poolBytes);
  #used = poolBytes;

  float(): number {
    return Math.random();
  }

  id(length: number): string {
    const bytes = Math.ceil((length * 6) / 8);
    if (bytes > poolBytes)
      throw new RangeError(`an id has at most ${Math.floor((poolBytes * 8) / 6)} characters`);
    return base64Url(this.#take(bytes)).slice(0, length);
  }

  /** Bytes that were given to nobody else. */
  #take(bytes: number): Uint8Array {
    if (this.#used + bytes > poolBytes) {
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#pool.subarray(this.#used - bytes, this.#used);
  }
}

/** One for the process. */
export const pooledRandom: Random = new PooledRandom();
