import type { Clock, Undo } from "./clock.ts";
import { whenOverdue } from "./deadline.ts";

/** Something the wheel wakes. The fields belong to the wheel: start them at -1 and leave them alone. */
export interface WheelItem {
  wheelSlot: number;
  wheelIndex: number;
  /** The tick it is due at: one beyond the ring passes its slot several times before. */
  wheelTick: number;
  /** Called when due. The item is off the wheel by then and may be put back. */
  due(elapsedMs: number): void;
}

const tickMs = 1000;
const slotCount = 128;
const slotMask = slotCount - 1;

/**
 * One timer for any number of waiting things: a ring of slots, one a second, each a dense array. Adding and removing
 * cost a push and a swap, and a hundred thousand connections cost the event loop one timer. Nothing is woken early, and
 * what is due is woken within a second.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: WheelItem[][] = Array.from({ length: slotCount }, () => []);
  #hand = 0;
  #startedMs = 0;
  #stopTimer: Undo | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts turning. Idempotent. */
  start(): void {
    if (this.#stopTimer) return;
    this.#startedMs = this.#clock.elapsed() - this.#hand * tickMs;
    this.#arm();
  }

  /** Stops turning; what waits stays and is woken after the next start. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  add(item: WheelItem, delayMs: number): void {
    this.remove(item);
    const nowTicks = this.#stopTimer ? (this.#clock.elapsed() - this.#startedMs) / tickMs : this.#hand;
    item.wheelTick = Math.max(this.#hand + 1, Math.ceil(nowTicks + delayMs / tickMs));
    this.#put(item);
  }

  remove(item: WheelItem): void {
    if (item.wheelSlot < 0) return;
    const items = this.#slots[item.wheelSlot] as WheelItem[];
    const last = items.pop() as WheelItem;
    if (last !== item) {
      items[item.wheelIndex] = last;
      last.wheelIndex = item.wheelIndex;
    }
    item.wheelSlot = -1;
  }

  #arm(): void {
    const nextMs = this.#startedMs + (this.#hand + 1) * tickMs;
    const delayMs = Math.max(0, nextMs - this.#clock.elapsed());
    // Whatever was heard in the meantime counts before anybody is woken to judge.
    this.#stopTimer = whenOverdue(this.#clock, delayMs, () => this.#turn());
  }

  #turn(): void {
    const elapsedMs = this.#clock.elapsed();
    const target = Math.floor((elapsedMs - this.#startedMs) / tickMs);
    // After a machine slept, one turn of the ring wakes everybody; more turns would find it empty.
    if (target - this.#hand > slotCount) this.#hand = target - slotCount;
    while (this.#hand < target) {
      this.#hand += 1;
      this.#wake(this.#slots[this.#hand & slotMask] as WheelItem[], elapsedMs);
    }
    if (this.#stopTimer) this.#arm();
  }

  #wake(items: WheelItem[], elapsedMs: number): void {
    const passed = items.splice(0);
    for (const item of passed) item.wheelSlot = -1;
    for (const item of passed) {
      if (item.wheelTick > this.#hand) this.#put(item);
      else item.due(elapsedMs);
    }
  }

  #put(item: WheelItem): void {
    const slot = item.wheelTick & slotMask;
    const items = this.#slots[slot] as WheelItem[];
    item.wheelSlot = slot;
    item.wheelIndex = items.length;
    items.push(item);
  }
}
