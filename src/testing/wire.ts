import type { SimProcess } from "./sim-process.ts";

/** One direction of a line: what is put in arrives at the other end in order, after a while, or not at all. */
export class Wire {
  readonly #target: SimProcess;
  readonly #latencyMs: () => number;
  #lastMs = 0;
  #held: (() => void)[] | null = null;
  #dead = false;

  constructor(target: SimProcess, latencyMs: () => number) {
    this.#target = target;
    this.#latencyMs = latencyMs;
  }

  /** Takes something to the other end, where `arrive` is done with it. */
  carry(arrive: () => void): void {
    if (this.#dead) return;
    if (this.#held) return void this.#held.push(arrive);
    const { timeline } = this.#target;
    this.#lastMs = Math.max(this.#lastMs, timeline.nowMs + this.#latencyMs());
    timeline.at(this.#lastMs, () => {
      if (!this.#dead) this.#target.run(arrive);
    });
  }

  /** Keeps back what is put in from now on; it is not lost. */
  hold(): void {
    this.#held ??= [];
  }

  /** Lets go of what was kept back. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const arrive of held) this.carry(arrive);
  }

  /** Nothing arrives any more, nothing that is on its way either, and nobody is told. */
  die(): void {
    this.#dead = true;
    this.#held = null;
  }
}
