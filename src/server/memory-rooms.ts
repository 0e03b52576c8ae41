import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { LogBound, LogEntry } from "./broker.ts";
import { MemoryLog, type LogUsage } from "./memory-log.ts";

/** What {@link MemoryRooms} needs. */
export interface MemoryRoomsContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Most rooms held, as far as they can go. */
  readonly max: number;
  /** Most bytes that all logs take together. */
  readonly bytesMax: number;
}

/** A room of the memory broker. */
export interface MemoryRoom {
  readonly log: MemoryLog;
  readonly members: Map<string, { readonly member: Member; readonly generation: number }>;
  subscribed: boolean;
}

/** What is left of the bytes after some were given up: less, and the next append would search again. */
const keptShare = 0.9;

/** All rooms of a memory broker, held to their bounds together. */
export class MemoryRooms {
  readonly #context: MemoryRoomsContext;
  readonly #usage: LogUsage = { bytes: 0 };
  /** Those without a subscription in the order in which they were last used: eviction takes from the front. */
  readonly #rooms = new Map<string, MemoryRoom>();
  #evictAt: number;

  constructor(context: MemoryRoomsContext) {
    this.#context = context;
    this.#evictAt = context.max;
  }

  /** The room of this name, if there is one. */
  find(name: string): MemoryRoom | undefined {
    return this.#rooms.get(name);
  }

  /** The room of this name, which is used now; made when there is none. */
  use(name: string): MemoryRoom {
    const known = this.#rooms.get(name);
    if (known) {
      if (!known.subscribed) this.touch(name, known);
      return known;
    }
    if (this.#rooms.size >= this.#evictAt) this.#evict();
    const log = new MemoryLog(this.#context.random.id(8), this.#usage);
    const room: MemoryRoom = { log, members: new Map(), subscribed: false };
    this.#rooms.set(name, room);
    return room;
  }

  touch(name: string, room: MemoryRoom): void {
    this.#rooms.delete(name);
    this.#rooms.set(name, room);
  }

  append({ log }: MemoryRoom, data: string, bound: LogBound): { entry: LogEntry; position: Position } {
    const entry = log.append(data, this.#context.clock.now(), bound);
    if (this.#usage.bytes > this.#context.bytesMax) this.#evictBytes();
    return { entry, position: { offset: entry.offset, epoch: log.epoch } };
  }

  /** A log nobody reads or writes would otherwise keep what its age bound has given up. */
  sweep(): void {
    for (const { log } of this.#rooms.values()) log.trimByAge(this.#context.clock.now());
  }

  /** Takes a tenth of the unused logs away at once, so that a flood of names does not search the map each time. */
  #evict(): void {
    const share = Math.ceil(this.#context.max / 10);
    let left = share;
    this.#evictUnused(() => --left <= 0);
    // Where hardly any can go, looking again for each new one would cost more than the room.
    this.#evictAt = Math.max(this.#context.max, this.#rooms.size + share);
  }

  /** Unused logs go first, the longest unused before others; only then what is read gets shorter, the longest first. */
  #evictBytes(): void {
    const target = this.#context.bytesMax * keptShare;
    const isEnough = (): boolean => this.#usage.bytes <= target;
    this.#evictUnused(isEnough);
    const logs = Array.from(this.#rooms.values(), ({ log }) => log);
    let longest = 0;
    for (const { bytes } of logs) longest = Math.max(longest, bytes);
    // A room that has little keeps it, whatever others do.
    for (let max = longest / 2; !isEnough(); max = Math.floor(max / 2)) {
      for (const log of logs) log.trimToBytes(max, 0);
      if (max === 0) return;
    }
  }

  #evictUnused(isEnough: () => boolean): void {
    for (const [name, { subscribed, members, log }] of this.#rooms) {
      if (subscribed || members.size > 0) continue;
      log.clear();
      this.#rooms.delete(name);
      if (isEnough()) break;
    }
  }
}
