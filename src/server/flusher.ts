import type { Clock } from "../base/clock.ts";

/** Something with output waiting. */
export interface Flushable {
  /** `alone`: no other room has anything for anybody in this turn. */
  flush(elapsedMs: number, alone: boolean): void;
}

/**
 * Collects what has output waiting and flushes it once per turn of the event loop: first the rooms, which hand one
 * batch to each of their readers, then the outboxes, each with one write. A write costs more than everything around
 * it, so messages per write is what decides the cost of a delivery (docs/performance.md).
 */
export class Flusher {
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  #rooms: Flushable[] = [];
  #outboxes: Flushable[] = [];
  #armed = false;

  constructor(clock: Clock, report: (error: unknown) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  addRoom(room: Flushable): void {
    this.#rooms.push(room);
    this.#arm();
  }

  addOutbox(outbox: Flushable): void {
    this.#outboxes.push(outbox);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.defer(this.#flush);
  }

  readonly #flush = (): void => {
    const elapsedMs = this.#clock.elapsed();
    const rooms = this.#rooms;
    this.#rooms = [];
    this.#flushAll(rooms, elapsedMs);
    const outboxes = this.#outboxes;
    this.#outboxes = [];
    this.#armed = false;
    this.#flushAll(outboxes, elapsedMs);
  };

  /** One that fails must not take the others' turn. */
  #flushAll(items: readonly Flushable[], elapsedMs: number): void {
    for (const item of items) {
      try {
        item.flush(elapsedMs, items.length === 1);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
