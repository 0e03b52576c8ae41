import { systemClock, type Undo } from "../base/clock.ts";
import { Standstill } from "./standstill.ts";

interface Item {
  readonly atMs: number;
  /** 0, or 1 for what waits until everything else of its moment is done. */
  readonly phase: number;
  readonly order: number;
  /** Null once it was cancelled. */
  task: (() => void) | null;
}

/** Events in a row at one moment after which something is taken to go round in circles. */
const stuckSteps = 200_000;
/** Events after which the real event loop gets a turn, so that signals and test timeouts are heard. */
const turnSteps = 4096;

/**
 * Virtual time: events in the order of their moment, and of their making where that is equal. After each event every
 * promise that can go on does, before the next one starts. Nothing here knows what the hour really is.
 */
export class Timeline {
  /** Milliseconds since the beginning. */
  nowMs = 0;
  /** Events that have run. */
  steps = 0;
  /** Calls that wait for time to pass. */
  readonly standstill: Standstill = new Standstill();
  readonly #heap: Item[] = [];
  #order = 0;
  #stepsHere = 0;
  #running = false;

  /** Runs `task` at a moment, or now if that has passed. */
  at(atMs: number, task: () => void): Undo {
    return this.#add(Math.max(atMs, this.nowMs), 0, task);
  }

  /** Runs `task` after a while. */
  after(delayMs: number, task: () => void): Undo {
    return this.#add(this.nowMs + Math.max(0, delayMs), 0, task);
  }

  /** Runs `task` when everything that is ready at this moment is done. */
  defer(task: () => void): Undo {
    return this.#add(this.nowMs, 1, task);
  }

  /** Lets time pass up to a moment. Rejects with what an event throws. */
  run(untilMs: number): Promise<void> {
    if (this.#running) throw new Error("time passes already: await the earlier run first");
    this.#setRunning(true);
    return new Promise<void>((resolve, reject) => {
      const next = (): void => {
        try {
          const task = this.#take(untilMs);
          if (!task) {
            this.nowMs = Math.max(this.nowMs, untilMs);
            return resolve();
          }
          this.steps += 1;
          task();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (this.steps % turnSteps === 0) systemClock.defer(next);
        else afterPromises(later);
      };
      const later = (): void => process.nextTick(next);
      afterPromises(later);
    }).finally(() => this.#setRunning(false));
  }

  #setRunning(isRunning: boolean): void {
    this.#running = isRunning;
    this.standstill.isPassing = isRunning;
  }

  #take(untilMs: number): (() => void) | null {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.atMs > untilMs) return null;
      this.#removeFirst();
      if (!first.task) continue;
      this.#stepsHere = first.atMs > this.nowMs ? 0 : this.#stepsHere + 1;
      if (this.#stepsHere > stuckSteps) throw new Error(`time stands still at ${this.nowMs} ms`);
      this.nowMs = first.atMs;
      return first.task;
    }
  }

  #add(atMs: number, phase: number, task: () => void): Undo {
    const item: Item = { atMs, phase, order: this.#order++, task };
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Item;
      if (!isBefore(item, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
    return () => {
      item.task = null;
    };
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Item;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Item, heap[child] as Item)) child += 1;
      if (!isBefore(heap[child] as Item, last)) break;
      heap[index] = heap[child] as Item;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Item, b: Item): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.phase !== b.phase) return a.phase < b.phase;
  return a.order < b.order;
}

const resolved = Promise.resolve();

/**
 * Calls back among the promises that can go on. A tick asked for there comes when none is left to run: Node turns to its
 * tick queue only when the queue of promises is empty, and that costs a fraction of a turn of the event loop.
 */
function afterPromises(task: () => void): void {
  void resolved.then(task);
}
