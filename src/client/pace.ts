import { backoffMs } from "../base/backoff.ts";
import type { Random } from "../base/random.ts";

/** How long a connection must have been open for the next wait to start from the beginning. */
const stableMs = 10_000;

/** When to dial again: how many attempts have failed since a connection was last stable. */
export class Pace {
  attempt = 0;
  #openedMs: number | null = null;
  /** Whether it was dialled again without a wait since then. */
  #isHasty = false;

  reset(): void {
    this.attempt = 0;
    this.#isHasty = false;
  }

  opened(nowMs: number): void {
    this.#openedMs = nowMs;
  }

  ended(nowMs: number): void {
    if (this.#openedMs !== null && nowMs - this.#openedMs >= stableMs) this.reset();
    this.#openedMs = null;
  }

  /** Whether to dial without a wait: not time and again, for that would be no end of it. */
  takeHaste(): boolean {
    const takes = !this.#isHasty;
    this.#isHasty = true;
    return takes;
  }

  /** How long to wait after an attempt that has failed. */
  failed(random: Random): number {
    return backoffMs(this.attempt++, random);
  }
}
