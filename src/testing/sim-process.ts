import type { Clock, Undo } from "../base/clock.ts";
import type { Timeline } from "./timeline.ts";

/** The wall clock's reading when a simulation begins: milliseconds since 1970. */
export const startWallMs = 1_700_000_000_000;

/**
 * A process of a simulation, a client's or a node's: its code gets everything (timers, frames, answers) through
 * {@link SimProcess.run}, so that it can be put to sleep, and can die with nothing of it ever being heard again.
 */
export class SimProcess {
  readonly name: string;
  readonly timeline: Timeline;
  readonly clock: Clock;
  /** What its wall clock is ahead by. */
  wallAheadMs = 0;
  #state: "running" | "asleep" | "dead" = "running";
  #held: (() => void)[] = [];
  readonly #bornMs: number;
  #wokenMs = -1;

  constructor(name: string, timeline: Timeline) {
    this.name = name;
    this.timeline = timeline;
    this.#bornMs = timeline.nowMs - 1;
    this.clock = {
      now: () => Math.floor(startWallMs + timeline.nowMs + this.wallAheadMs),
      elapsed: () => timeline.nowMs - this.#bornMs,
      setTimer: (delayMs, task) => this.#timer(delayMs, task),
      defer: (task) => void timeline.defer(() => this.run(task)),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isAsleep(): boolean {
    return this.#state === "asleep";
  }

  /** Whether it slept at any time since a moment. */
  wasAsleepSince(atMs: number): boolean {
    return this.isAsleep || this.#wokenMs >= atMs;
  }

  /** Does something in the process: now, or when it wakes up; never, if it is dead. */
  run(task: () => void): void {
    if (this.#state === "running") task();
    else if (this.#state === "asleep") this.#held.push(task);
  }

  /** Stops at this moment: nothing it waited for comes back to it. */
  kill(): void {
    this.#state = "dead";
    this.#held = [];
  }

  sleep(): void {
    if (this.#state === "running") this.#state = "asleep";
  }

  /** What came while it slept happens now, in the order in which it came. */
  wake(): void {
    if (this.#state !== "asleep") return;
    this.#state = "running";
    this.#wokenMs = this.timeline.nowMs;
    for (const task of this.#held.splice(0)) this.timeline.after(0, () => this.run(task));
  }

  #timer(delayMs: number, task: () => void): Undo {
    let cancelled = false;
    // As real timers do: whole milliseconds, and at least one.
    const undo = this.timeline.after(Math.max(1, Math.trunc(delayMs)), () =>
      this.run(() => {
        if (!cancelled) task();
      }),
    );
    return () => {
      cancelled = true;
      undo();
    };
  }
}
