import { SlidingArray } from "../base/sliding-array.ts";
import { utf8Length } from "../base/utf8.ts";
import type { LogBound, LogEntry, LogPage, LogState } from "./broker.ts";

interface KeptEntry extends LogEntry {
  readonly at: number;
  /** Of its data in UTF-8. */
  readonly bytes: number;
}

/** What all logs of a broker take together. */
export interface LogUsage {
  bytes: number;
}

/** About what an entry takes in memory besides its data. */
const entryBytes = 128;

/** One room's log in memory. */
export class MemoryLog {
  readonly epoch: string;
  readonly #usage: LogUsage;
  readonly #entries = new SlidingArray<KeptEntry>();
  #base = 0;
  #bytes = 0;
  #ageMs = Infinity;

  constructor(epoch: string, usage: LogUsage) {
    this.epoch = epoch;
    this.#usage = usage;
  }

  /** What its entries' data has, in UTF-8. */
  get bytes(): number {
    return this.#bytes;
  }

  state(): LogState {
    return { epoch: this.epoch, base: this.#base, head: this.#base + this.#entries.length };
  }

  append(data: string, now: number, bound: LogBound): LogEntry {
    const bytes = utf8Length(data);
    const entry: KeptEntry = { offset: this.#base + this.#entries.length + 1, data, at: now, bytes };
    this.#entries.push(entry);
    this.#bytes += bytes;
    this.#usage.bytes += heldBytes(entry);
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
    this.trimToBytes(bound.bytes, 1);
    this.trimByAge(now);
  }

  /** Gives up the oldest entries beyond so many bytes, but not the newest `keep` of them. */
  trimToBytes(max: number, keep: number): void {
    let over = this.#bytes - max;
    let count = 0;
    for (; over > 0 && count < this.#entries.length - keep; count += 1)
      over -= this.#entries.at(count)?.bytes ?? 0;
    this.#drop(count);
  }

  trimByAge(now: number): void {
    let expired = 0;
    for (let entry = this.#entries.at(0); entry && now - entry.at > this.#ageMs;) {
      expired += 1;
      entry = this.#entries.at(expired);
    }
    this.#drop(expired);
  }

  /** Gives up everything. */
  clear(): void {
    this.#drop(this.#entries.length);
  }

  #drop(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const entry = this.#entries.at(index) as KeptEntry;
      this.#bytes -= entry.bytes;
      this.#usage.bytes -= heldBytes(entry);
    }
    this.#base += count;
    this.#entries.dropFront(count);
  }
}

/** About what an entry takes in memory: a string takes two bytes a unit as soon as one of them needs it. */
function heldBytes({ data, bytes }: KeptEntry): number {
  return entryBytes + (bytes === data.length ? bytes : 2 * data.length);
}
