import { RecentRefs } from "../../base/recent-refs.ts";
import { SlidingArray } from "../../base/sliding-array.ts";
import { ledgerLength, type LogBound, type LogState } from "../../server/broker.ts";

/** Who appended an entry: the epoch that names a session's ledgers, and the ref. */
export type EntryOrigin = readonly [ledger: string, ref: number];

/** What stands in the header of a message of a room's log: all but the entries themselves. */
export interface LogMeta {
  readonly epoch: string;
  /** Offset of its first entry. */
  readonly first: number;
  /** How many entries it has. A room's log begins with a message that has none, and draws the epoch. */
  readonly count: number;
  /** When it was appended, by the clock of the node that did. */
  readonly at: number;
  /** The bound of the room, as count, age and bytes; null where there is none. */
  readonly bound: readonly [count: number | null, ageMs: number | null, bytes?: number | null];
  /** What its entries' data has, in UTF-8. */
  readonly bytes: number;
  /** By entry; null where the server itself published. */
  readonly origins: readonly (EntryOrigin | null)[];
}

/** A message of the log, as far as the index knows it. */
export interface LogChunk {
  readonly seq: number;
  readonly first: number;
  readonly count: number;
  readonly at: number;
  /** Bytes of all entries from the first message that is known up to the end of this one. */
  readonly bytesTo: number;
}

/** What this node knows of the publishes of one session in a room. */
export interface RoomLedger {
  refs: RecentRefs<number>;
  /** Whether it holds what was saved of it. */
  isComplete: boolean;
  /** From which message of the stream on it holds all. */
  since: number;
  /** Offset of the first publish that only the log holds; 0 when there is none. */
  firstUnsaved: number;
  /** Sequence of what was saved of it, for the next time. */
  savedSeq: number;
  at: number;
}

/** What a node knows of one room's log: where its entries are, and who appended them. Holds no entry itself. */
export class RoomIndex {
  readonly ledgers: Map<string, RoomLedger> = new Map();
  epoch = "";
  head = 0;
  /** Sequence of the newest message; 0 before any is known. */
  lastSeq = 0;
  /** Sequence of the first message that it was made from, and the offset of what comes with it. */
  since = 0;
  firstOffset = 1;
  /** From which message on all that was removed was saved before; null as long as nobody has looked. */
  savedSince: number | null = null;
  bound: LogBound = { count: Infinity, ageMs: Infinity, bytes: Infinity };
  readonly #chunks = new SlidingArray<LogChunk>();
  readonly #ageMsMax: number;
  /** Offset of the last entry that the stream no longer has, and the bytes up to there. */
  #removed = 0;
  #removedBytes = 0;
  #bytesTo = 0;

  constructor(ageMsMax: number) {
    this.#ageMsMax = ageMsMax;
  }

  /** Takes the next message in. False when it is not the next: the index does not know the log any more. */
  add(seq: number, meta: LogMeta): boolean {
    if (seq <= this.lastSeq) return true;
    if (this.lastSeq === 0) {
      this.epoch = meta.epoch;
      this.since = seq;
      this.firstOffset = meta.first;
      this.head = this.#removed = meta.first - 1;
    } else if (meta.epoch !== this.epoch || meta.first !== this.head + 1) {
      return false;
    }
    this.lastSeq = seq;
    this.head += meta.count;
    const [count, ageMs, bytes] = meta.bound;
    this.bound = { count: count ?? Infinity, ageMs: ageMs ?? Infinity, bytes: bytes ?? Infinity };
    this.#bytesTo += meta.bytes;
    const { first, at } = meta;
    this.#chunks.push({ seq, first, count: meta.count, at, bytesTo: this.#bytesTo });
    meta.origins.forEach((origin, index) => {
      if (origin) this.#note(origin, meta.first + index, meta.at);
    });
    return true;
  }

  /** Whether a log begins with a message that does not follow: another one, or this one behind what is missing. */
  isBegunBy({ epoch, first, count }: LogMeta): boolean {
    return epoch === this.epoch ? first > this.head + 1 : first === 1 && count === 0;
  }

  /** Whether a message has a place in this log that another one had before. */
  isInstead(seq: number, { epoch, first }: LogMeta): boolean {
    return seq > this.lastSeq && epoch === this.epoch && first <= this.head;
  }

  /** Passes over a message that does not follow, which every node does: it is no part of the log. */
  skip(seq: number): void {
    this.lastSeq = seq;
  }

  state(nowMs: number): LogState {
    return { epoch: this.epoch, base: this.#base(nowMs), head: this.head };
  }

  /** What is known of a session's publishes here. */
  ledger(name: string): RoomLedger {
    let ledger = this.ledgers.get(name);
    if (!ledger) {
      // As long as the log is whole, so is what was read from it.
      ledger = {
        refs: new RecentRefs(ledgerLength),
        isComplete: this.#removed === 0,
        since: this.since,
        firstUnsaved: 0,
        savedSeq: 0,
        at: 0,
      };
      this.ledgers.set(name, ledger);
    }
    return ledger;
  }

  /** The messages that hold at most `limit` entries after an offset. */
  chunksAfter(offset: number, limit: number): LogChunk[] {
    const found: LogChunk[] = [];
    const end = Math.min(this.head, offset + limit);
    for (let index = this.#indexOf(offset + 1); index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks.at(index) as LogChunk;
      if (chunk.first > end) break;
      if (chunk.count > 0) found.push(chunk);
    }
    return found;
  }

  /** What of the log can be removed, once that is worth it: all before a sequence, up to an offset. */
  garbage(nowMs: number): { readonly before: number; readonly upTo: number } | null {
    const base = this.#base(nowMs);
    // The newest message stays, whatever its age: it says where the log ends.
    const index = Math.min(this.#indexOf(base + 1), this.#chunks.length - 1);
    const bytes = (this.#chunks.at(index - 1)?.bytesTo ?? 0) - this.#removedBytes;
    const isMuch = bytes > garbageBytesMin && base > this.#removed;
    if (!isMuch && base - this.#removed < Math.max(garbageMin, this.ledgers.size)) return null;
    const { seq, first } = this.#chunks.at(index) as LogChunk;
    return { before: seq, upTo: first - 1 };
  }

  /** Everything up to an offset was removed from the log. */
  remove(upTo: number): void {
    this.#removed = Math.max(this.#removed, upTo);
    let gone = 0;
    while (gone < this.#chunks.length - 1 && endOf(this.#chunks.at(gone) as LogChunk) <= upTo) gone += 1;
    this.#removedBytes = this.#chunks.at(gone - 1)?.bytesTo ?? this.#removedBytes;
    this.#chunks.dropFront(gone);
  }

  #note([name, ref]: EntryOrigin, offset: number, at: number): void {
    const ledger = this.ledger(name);
    // Last in the map: the order is that of the last publish.
    this.ledgers.delete(name);
    this.ledgers.set(name, ledger);
    ledger.refs.add(ref, offset);
    ledger.firstUnsaved ||= offset;
    ledger.at = at;
  }

  #base(nowMs: number): number {
    let base = Math.max(this.#removed, this.head - this.bound.count);
    const oldestMs = nowMs - Math.min(this.bound.ageMs, this.#ageMsMax);
    for (let index = this.#indexOf(base + 1); index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks.at(index) as LogChunk;
      const before = this.#chunks.at(index - 1)?.bytesTo ?? this.#removedBytes;
      // By whole messages, and never the newest entries.
      const isOver = this.#bytesTo - before > this.bound.bytes && endOf(chunk) < this.head;
      if (chunk.at >= oldestMs && !isOver) break;
      base = Math.max(base, endOf(chunk));
    }
    return base;
  }

  /** Index of the message with an offset, or of the first after it. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(this.#chunks.at(middle) as LogChunk) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Entries that are worth the work of removing them. */
const garbageMin = 256;
/** The same in bytes. */
const garbageBytesMin = 1024 * 1024;

function endOf({ first, count }: LogChunk): number {
  return first + count - 1;
}
