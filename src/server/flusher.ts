import type { Clock } from "../base/clock.ts";

/** Something with output waiting. */
export interface Flushable {
  flush(elapsedMs: number): void;
}

/**
 * Collects what has output waiting and flushes it once per turn of the event loop: first the rooms, which hand one
 * batch to each of their readers, then the outboxes, each with one write. A write costs more than everything around
 * it, so messages per write is what decides the cost of a delivery (docs/performance.md).
 */
export class Flusher {
  readonly #clock: Clock;
  #rooms: Flushable[] = [];
  #outboxes: Flushable[] = [];
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    for (const room of rooms) room.flush(elapsedMs);
    const outboxes = this.#outboxes;
    this.#outboxes = [];
    this.#armed = false;
    for (const outbox of outboxes) outbox.flush(elapsedMs);
  };
}
