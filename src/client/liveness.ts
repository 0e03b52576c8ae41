import type { Clock, Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";

/** Beyond two heartbeats, for what a busy machine and a slow line add. */
const heartbeatSlackMs = 5000;

/** Whether the other end is heard, while that is watched. */
export class Liveness {
  /** When something was last heard. */
  heardMs = 0;
  readonly #clock: Clock;
  readonly #silent: () => void;
  #limitMs = 0;
  #stopTimer: Undo = () => {};

  /** `silent` is called once nothing was heard for too long. */
  constructor(clock: Clock, silent: () => void) {
    this.#clock = clock;
    this.#silent = silent;
  }

  hear(): void {
    this.heardMs = this.#clock.elapsed();
  }

  watch(heartbeatMs: number): void {
    this.#limitMs = 2 * heartbeatMs + heartbeatSlackMs;
    this.#look();
  }

  /** Calls `late` unless something is heard within the time. */
  expect(limitMs: number, late: () => void): Undo {
    const askedMs = this.#clock.elapsed();
    return whenOverdue(this.#clock, limitMs, () => {
      if (this.heardMs < askedMs) late();
    });
  }

  stop(): void {
    this.#stopTimer();
  }

  /** Looks whether anything was heard lately, when next it could be too long ago. */
  #look(): void {
    const leftMs = this.heardMs + this.#limitMs - this.#clock.elapsed();
    if (leftMs <= 0) return this.#silent();
    this.#stopTimer = whenOverdue(this.#clock, leftMs, () => this.#look());
  }
}
