import type { EndState } from "./end-state.ts";

/** How long a world may take to come to rest. A queue that is worked off slowly has as long again whenever it gets shorter. */
export class Patience {
  readonly #withinMs: number;
  #untilMs: number;
  #fewestPending = Infinity;

  constructor(nowMs: number, withinMs: number) {
    this.#withinMs = withinMs;
    this.#untilMs = nowMs + withinMs;
  }

  /** Whether it took too long; `state` is how everything stands now. */
  isOver({ atMs, devices }: EndState): boolean {
    const pending = devices.reduce((sum, device) => sum + device.pending.length, 0);
    if (pending < this.#fewestPending) this.#untilMs = atMs + this.#withinMs;
    this.#fewestPending = Math.min(this.#fewestPending, pending);
    return atMs >= this.#untilMs;
  }
}
