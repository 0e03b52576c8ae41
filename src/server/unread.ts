import type { Clock } from "../base/clock.ts";
import type { Limits } from "./limits.ts";

/** The limits that {@link Unread} needs. */
export type UnreadLimits = Pick<Limits, "slowBytes" | "outboxBytes">;

/** How long a client may be behind with more replies than it may. What one turn adds no client could have read. */
const slowMs = 2000;
/** How many times as much is too much at once. */
const slowFactor = 4;

/**
 * What a connection has of its own frames that its client has not read. Counted from when it fell behind, and apart from
 * the rooms' traffic: that waits for slow readers by itself, and one event may be larger than the limit.
 */
export class Unread {
  /** In UTF-16 units. */
  #length = 0;
  /** Since when that is too much; null while it is not. */
  #sinceMs: number | null = null;

  add(length: number): void {
    this.#length += length;
  }

  /** Whether the client reads too slowly, of whose bytes so many wait. */
  isTooMuch(waitingBytes: number, clock: Clock, { slowBytes, outboxBytes }: UnreadLimits): boolean {
    // What has left was read.
    this.#length = waitingBytes <= slowBytes ? 0 : Math.min(this.#length, waitingBytes);
    if (this.#length <= outboxBytes) {
      this.#sinceMs = null;
      return false;
    }
    const nowMs = clock.elapsed();
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs > slowMs || this.#length > slowFactor * outboxBytes;
  }
}
