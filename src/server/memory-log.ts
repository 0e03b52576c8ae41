import { SlidingArray } from "../base/sliding-array.ts";
import type { LogBound, LogEntry, LogPage, LogState } from "./broker.ts";

interface KeptEntry extends LogEntry {
  readonly at: number;
}

/** One room's log in memory. */
export class MemoryLog {
  readonly epoch: string;
  readonly #entries = new SlidingArray<KeptEntry>();
  #base = 0;
  #ageMs = Infinity;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  state(): LogState {
    return { epoch: this.epoch, base: this.#base, head: this.#base + this.#entries.length };
  }

  append(data: string, now: number, bound: LogBound): LogEntry {
    const entry: KeptEntry = { offset: this.#base + this.#entries.length + 1, data, at: now };
    this.#entries.push(entry);
    this.trim(now, bound);
    return entry;
  }

  read(after: number, limit: number, now: number): LogPage {
    this.trimByAge(now);
    const start = after - this.#base;
    return { ...this.state(), entries: start < 0 ? [] : this.#entries.slice(start, limit) };
  }

  trim(now: number, bound: LogBound): void {
    this.#ageMs = bound.ageMs;
    this.#drop(Math.max(0, this.#entries.length - bound.count));
    this.trimByAge(now);
  }

  trimByAge(now: number): void {
    let expired = 0;
    for (let entry = this.#entries.at(0); entry && now - entry.at > this.#ageMs;) {
      expired += 1;
      entry = this.#entries.at(expired);
    }
    this.#drop(expired);
  }

  #drop(count: number): void {
    this.#base += count;
    this.#entries.dropFront(count);
  }
}
