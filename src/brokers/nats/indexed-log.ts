import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { LogBound, LogEntry, LogState } from "../../server/broker.ts";
import type { LedgerArchive } from "./ledger-archive.ts";
import { decodeMeta, emptyMeta, encodeMeta, encodeTexts, entriesOf } from "./log-message.ts";
import { RoomIndex, type LogChunk, type LogMeta } from "./room-index.ts";
import type { Store } from "./store.ts";
import type { Stored } from "./stored.ts";
import { tokenOf } from "./subjects.ts";

/** What an {@link IndexedLog} needs of the broker. */
export interface IndexedLogContext {
  readonly store: Store;
  readonly archive: LedgerArchive;
  readonly logTtlMs: number;
}

/** A part of a log that was looked up, and is yet to be got. */
export interface LogLookup {
  readonly state: LogState;
  /** Null when it was removed in between. */
  entries(): Promise<readonly LogEntry[] | null>;
}

const unbounded: LogBound = { count: Infinity, ageMs: Infinity, bytes: Infinity };
/** How often a log has to be found shorter than it was before that is believed. */
const shorterMax = 3;

/**
 * One room's log in the stream, and what this node knows of it. A message that is stored says after which other one it
 * comes, and the server refuses it if it does not: so offsets have no hole, and whoever stores one knows everything that
 * was stored before.
 */
export class IndexedLog {
  readonly #context: IndexedLogContext;
  readonly #room: string;
  #index: RoomIndex;
  /** With the id of the stream it was made for: what the index knows holds for that one only. */
  #subject = "";
  #isPurging = false;
  #purging: Promise<void> = Promise.resolve();
  #foundShorter = 0;

  constructor(context: IndexedLogContext, room: string) {
    this.#context = context;
    this.#room = room;
    this.#index = new RoomIndex(context.logTtlMs);
  }

  /** Resolves once what is being removed is. */
  get purging(): Promise<void> {
    return this.#purging;
  }

  get index(): RoomIndex {
    return this.#index;
  }

  /** Whether the index knows anything; it may be behind. */
  get isKnown(): boolean {
    return this.#index.lastSeq > 0 && this.#subject === this.#currentSubject();
  }

  /** Looks up where at most `limit` entries after an offset are. */
  page(after: number, limit: number): LogLookup {
    const index = this.#index;
    const subject = this.#subject;
    const state = index.state(systemClock.now());
    const chunks = after < state.base ? [] : index.chunksAfter(after, limit);
    const isWanted = ({ offset }: LogEntry): boolean => offset > after && offset <= after + limit;
    const entries = async (): Promise<readonly LogEntry[] | null> => {
      const found = await Promise.all(chunks.map(({ seq }) => this.#context.store.at(seq)));
      const gone = found.findLastIndex((message) => message?.subject !== subject);
      if (gone < 0) return (found as Stored[]).flatMap(entriesOf).filter(isWanted);
      // Another node, or its age, took it away just now: it is below the base from here on.
      const { first, count } = chunks[gone] as LogChunk;
      index.remove(first + count - 1);
      return null;
    };
    return { state, entries };
  }

  /** Gives the log a bound, for every node. */
  async setBound(bound: LogBound): Promise<void> {
    for (;;) {
      const { bound: held, epoch, head } = this.#index;
      const isSame = held.count === bound.count && held.ageMs === bound.ageMs && held.bytes === bound.bytes;
      if (isSame) return;
      if (!(await this.put(emptyMeta(epoch, head, bound, systemClock.now()), []))) await this.refresh();
    }
  }

  /** Stores the next message; false when another one came first. `last`: the sequence that it is to come after. */
  async put(meta: LogMeta, texts: readonly string[], last: number = this.#index.lastSeq): Promise<boolean> {
    const message = { meta: encodeMeta(meta), body: texts.length > 0 ? encodeTexts(texts) : "" };
    const index = this.#index;
    const seq = await this.#context.store.put(this.#subject, message, last);
    if (seq === null) return false;
    index.add(seq, meta);
    return true;
  }

  /**
   * A message that was stored. One that does not follow is no harm: whoever stores the next finds out what is missing.
   * True for one that shows that the log has lost its end, and that should not wait for that.
   */
  receive({ subject, seq, meta: text }: Stored): boolean {
    const index = this.#index;
    if (subject !== this.#subject || index.lastSeq === 0) return false;
    const meta = decodeMeta(text);
    return !index.add(seq, meta) && index.isInstead(seq, meta);
  }

  /** Brings the index up to what the stream holds at this moment; begins a log where there is none. */
  async refresh(bound: LogBound = unbounded): Promise<void> {
    for (;;) {
      if (this.#subject !== this.#currentSubject()) this.#reset();
      const known = this.#index.lastSeq;
      const last = await this.#context.store.last(this.#subject);
      if (last && last.seq < known) {
        await this.#receiveShorter();
      } else if (last) {
        if (!(await this.#follow(last))) continue;
        this.#foundShorter = 0;
        return;
      } else if (!(await this.#mend())) {
        this.#reset();
        if (await this.put(emptyMeta(systemRandom.id(12), 0, bound, systemClock.now()), [])) return;
      }
    }
  }

  /** Removes what the bound has given up, when there is enough of it; what fails is done with the next. */
  purgeSoon(): void {
    if (this.#isPurging) return;
    const index = this.#index;
    const nowMs = systemClock.now();
    const garbage = index.garbage(nowMs);
    if (!garbage) return;
    this.#isPurging = true;
    const { archive, store } = this.#context;
    const subject = this.#subject;
    const purge = async (): Promise<void> => {
      await archive.save(this.#room, index, garbage.upTo, nowMs);
      await store.purge(subject, garbage.before);
      index.remove(garbage.upTo);
    };
    this.#purging = purge()
      .catch(() => {})
      .finally(() => (this.#isPurging = false));
  }

  /** Takes in what was stored up to `last`; false when it does not go on from what is known. */
  async #follow(last: Stored): Promise<boolean> {
    const { store } = this.#context;
    const index = this.#index;
    if (last.seq <= index.lastSeq) return true;
    if (index.lastSeq > 0 && index.add(last.seq, decodeMeta(last.meta))) return true;
    const from = index.lastSeq + 1;
    const missed = await store.scan({ subject: this.#subject, from, metaOnly: true });
    for (const { seq, meta: text } of missed) {
      const meta = decodeMeta(text);
      if (this.#index.add(seq, meta)) continue;
      if (from > 1) {
        // Somebody took the end away, and others went on from there: the same positions stand for something else now.
        if (index.isInstead(seq, meta)) await store.purge(this.#subject);
        // Else this is another log by now, or there is what should not be: from the beginning, both can be told.
        this.#reset();
        return false;
      }
      if (this.#index.isBegunBy(meta)) this.#beginAt(seq, meta);
      else this.#index.skip(seq);
    }
    return this.#index.lastSeq >= last.seq;
  }

  /** The log goes on from here, and what is before it can't be read any more. */
  #beginAt(seq: number, meta: LogMeta): void {
    this.#reset();
    this.#index.add(seq, meta);
  }

  /**
   * The stream knows no last message of the log. A server of 2.9 forgets which that is when a write finds its account
   * full: it has all of them still, and would take the first of another log. Goes on with one that takes the first one's
   * place; false when there is really none.
   */
  async #mend(): Promise<boolean> {
    const found = await this.#context.store.scan({ subject: this.#subject, metaOnly: true });
    const newest = found.at(-1);
    if (!newest) return false;
    if (newest.seq < this.#index.lastSeq) {
      await this.#receiveShorter();
    } else if (await this.#follow(newest)) {
      const { epoch, head, bound } = this.#index;
      await this.put(emptyMeta(epoch, head, bound, systemClock.now()), [], 0);
    }
    return true;
  }

  /**
   * The log ends before it did, as when the server's disk lost its end, and others went on from there. Its positions must
   * not be given out again: it is begun anew. Not at the first sight of it, for a server that was just relieved of the
   * stream may not know the newest yet.
   */
  async #receiveShorter(): Promise<void> {
    this.#foundShorter += 1;
    if (this.#foundShorter < shorterMax)
      throw new Error(`nats: the log of ${this.#room} is shorter than it was`);
    await this.#context.store.purge(this.#subject);
    this.#foundShorter = 0;
  }

  #reset(): void {
    this.#subject = this.#currentSubject();
    this.#index = new RoomIndex(this.#context.logTtlMs);
  }

  #currentSubject(): string {
    return this.#context.store.subject(tokenOf(this.#room));
  }
}
