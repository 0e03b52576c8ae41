import type { Clock } from "../base/clock.ts";
import type { GapFrame, Position } from "../protocol/frames.ts";
import type { Broker, LogBound, LogEntry, LogPage, PresenceChange } from "./broker.ts";
import type { Batch } from "./engine.ts";
import type { Flushable, Flusher } from "./flusher.ts";
import type { Reader } from "./reader.ts";
import { RoomPresence, type ListedMembers } from "./room-presence.ts";
import { RoomUpdate } from "./room-update.ts";
import { Tail, type TailUsage } from "./tail.ts";
import type { WireFormat } from "./wire-formats.ts";

/** What the rooms of one hub have in common. */
export interface HubContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly flusher: Flusher;
  readonly presenceMembers: number;
  readonly presenceBytes: number;
  /** Tries again later what the broker could not do. */
  retry(task: () => void, error: unknown): void;
  /** A codec failed. */
  readonly undelivered: (error: unknown) => void;
}

/** The same, with what the hub adds. */
export interface HubRoomContext extends HubContext {
  readonly tails: TailUsage;
  /** The tails have grown by an entry. */
  tailGrew(): void;
}

/** Entries read at a time to mend a hole. */
const fillPage = 256;
/** UTF-16 units of publications waiting for the end of the turn beyond which a room does not wait for it. */
const updateLengthMax = 256 * 1024;

/** A room on this node: who reads it here, and how far it has been received and sent. */
export class HubRoom implements Flushable {
  readonly name: string;
  readonly bound: LogBound;
  epoch = "";
  /** Everything up to here was handed to the live readers. */
  sent = 0;
  /** Settles once the node is subscribed. */
  readonly ready: Promise<void>;
  readonly #context: HubRoomContext;
  readonly #readers: Reader[] = [];
  readonly #tail: Tail;
  readonly #presence: RoomPresence;
  /** Everything up to here was received. */
  #head = 0;
  /** The last entry heard of while the log was read: if that did not bring it, it is read again. */
  #heard: { readonly epoch: string; readonly offset: number } | null = null;
  /** Whether something may have been missed while the log was read. */
  #missed = false;
  #filling = true;
  /** What the live readers get at the end of the turn. */
  #update: RoomUpdate | null = null;
  #dirty = false;

  constructor(context: HubRoomContext, name: string, bound: LogBound) {
    this.#context = context;
    this.name = name;
    this.bound = bound;
    this.#tail = new Tail(context.clock, bound, context.tails);
    this.#presence = new RoomPresence({
      room: name,
      membersMax: context.presenceMembers,
      listBytesMax: context.presenceBytes,
      clock: context.clock,
      changed: () => this.#markDirty(),
      list: (limit) => context.broker.members(name, limit),
      retry: (task, error) => this.retry(task, error),
      report: context.undelivered,
    });
    this.ready = this.#subscribe();
  }

  get empty(): boolean {
    return this.#readers.length === 0;
  }

  add(reader: Reader): void {
    reader.index = this.#readers.length;
    this.#readers.push(reader);
  }

  remove(reader: Reader): void {
    if (reader.index < 0) return;
    const last = this.#readers.pop() as Reader;
    if (last !== reader) {
      this.#readers[reader.index] = last;
      last.index = reader.index;
    }
    reader.index = -1;
  }

  /** Gives up the recent entries, which only save reading the log. */
  dropTail(): void {
    this.#tail.clear();
  }

  receiveEntry(epoch: string, entry: LogEntry): void {
    if (this.#filling) {
      this.#heard = { epoch, offset: entry.offset };
      return;
    }
    if (epoch !== this.epoch || entry.offset > this.#head + 1) return this.#fill();
    if (entry.offset === this.#head + 1) this.#push(entry);
  }

  receiveSignal(key: string, data: string): void {
    this.#toUpdate().addSignal(key, data);
    this.#markDirty();
  }

  receivePresence(change: PresenceChange): void {
    this.#presence.receive(change);
    this.#markDirty();
  }

  /** Anything may have been missed: the log is read again, and the members are sent anew. */
  receiveHole(): void {
    if (this.#filling) this.#missed = true;
    else this.#fill();
    this.#presence.relist(this.#readers);
  }

  flush(elapsedMs: number, alone: boolean): void {
    this.#dirty = false;
    const before = this.sent;
    const hasPresence = this.#presence.hasChanged;
    if (hasPresence) this.#toUpdate().presence = this.#presence.take(this.#readers);
    const update = this.#update;
    this.#update = null;
    this.sent = this.#head;
    let format: WireFormat | null = null;
    let batch: Batch | null = null;
    for (const reader of this.#readers) {
      const { outbox, live } = reader;
      if (live && !update) continue;
      if (live && outbox.format !== format) {
        ({ format } = outbox);
        batch = update?.batch(format) ?? null;
      }
      if (live && batch && !outbox.isFull()) {
        if (alone) outbox.sendOnly(batch, elapsedMs);
        else outbox.sendBatch(batch);
        continue;
      }
      reader.missedPresence ||= hasPresence;
      if (live) reader.fallBehind(before);
      reader.catchUp();
    }
  }

  /** Tries again later what the broker could not do, as long as anybody reads here. */
  retry(task: () => void, error: unknown): void {
    this.#context.retry(() => {
      if (!this.empty) task();
    }, error);
  }

  /** Entries of the recent tail that were sent to the live readers already; null if it does not reach back that far. */
  recent(after: number, limit: number): LogEntry[] | null {
    return this.#tail.after(after, this.sent, limit);
  }

  /** The same from the log; null if that does not hold them either. */
  async read(after: number, limit: number): Promise<readonly LogEntry[] | null> {
    const { epoch, sent } = this;
    const page = await this.#context.broker.read(this.name, after, Math.min(limit, sent - after));
    if (this.epoch !== epoch) return null;
    // A log that ends before what was read from it once is not the same log, whatever its epoch says.
    if (page.epoch !== epoch || page.head < sent) this.#restart(page, "epoch");
    if (this.epoch !== epoch || after < page.base || page.entries.length === 0) return null;
    return page.entries;
  }

  /** Why a reader at `position` can't simply read on; null if it can. The room's epoch may be another one afterwards. */
  async lost({ epoch, offset }: Position): Promise<GapFrame["reason"] | null> {
    const own = this.epoch;
    if (epoch === own && offset <= this.sent && this.#tail.after(offset, offset, 0)) return null;
    const page = await this.#context.broker.read(this.name, offset, 1);
    // The reader may come from a node that noticed sooner than this one that the log is another one.
    if (page.epoch !== own && this.epoch === own) this.#restart(page, "epoch");
    // A log that ends before what was read from it once is not the same log.
    if (page.epoch !== epoch || page.head < offset) return "epoch";
    return offset < page.base ? "trimmed" : null;
  }

  /**
   * Where a reader without a past begins: `history` publications before the end. After a gap, a log that is still
   * whole is read from its beginning, for everything in it is new.
   */
  async freshOffset(history: number, afterGap: boolean): Promise<number> {
    if (history === 0 && !afterGap) return this.sent;
    const page = await this.#context.broker.read(this.name, this.sent, 0);
    if (page.epoch !== this.epoch) return this.sent;
    if (afterGap && page.base === 0) return 0;
    return Math.min(this.sent, Math.max(page.base, this.sent - history));
  }

  /** Everybody present, or how many where they are too many to list. */
  members(): Promise<ListedMembers> {
    return this.#presence.members();
  }

  /** Sends the whole list to a reader that missed changes of it. */
  sendMembers(reader: Reader): void {
    this.#presence.sendMembers(reader);
  }

  #push(entry: LogEntry): void {
    this.#head = entry.offset;
    this.#tail.push(entry);
    this.#context.tailGrew();
    const update = this.#toUpdate();
    update.addEntry(entry);
    if (update.length > updateLengthMax) this.flush(this.#context.clock.elapsed(), false);
    else this.#markDirty();
  }

  #markDirty(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#context.flusher.addRoom(this);
  }

  #toUpdate(): RoomUpdate {
    this.#update ??= new RoomUpdate(this.name, this.#context.undelivered);
    return this.#update;
  }

  async #subscribe(): Promise<void> {
    const state = await this.#context.broker.subscribe(this.name, this.bound);
    this.epoch = state.epoch;
    this.sent = this.#head = state.head;
    this.#tail.reset(state.head);
    this.#filled();
  }

  /** The broker's live messages left a hole, or the log is another one: reads the log until nothing is missing. */
  #fill(): void {
    this.#filling = true;
    this.#missed = false;
    this.#heard = null;
    this.#readHole().then(
      () => this.#filled(),
      (error: unknown) => this.retry(() => this.#fill(), error),
    );
  }

  #filled(): void {
    this.#filling = false;
    const heard = this.#heard;
    if (this.#missed || (heard && (heard.epoch !== this.epoch || heard.offset > this.#head))) this.#fill();
  }

  async #readHole(): Promise<void> {
    for (;;) {
      const { epoch } = this;
      const page = await this.#context.broker.read(this.name, this.#head, fillPage);
      if (this.epoch !== epoch) continue;
      // A log that ends before what was received of it once is not the same log, whatever its epoch says.
      if (page.epoch !== epoch || page.head < this.#head) return this.#restart(page, "epoch");
      if (this.#head < page.base) return this.#restart(page, "trimmed");
      for (const entry of page.entries) this.#push(entry);
      if (this.#head >= page.head) return;
      if (page.entries.length === 0)
        throw new Error(`the broker gave no entries after ${this.#head} of ${this.name}`);
    }
  }

  #restart(page: LogPage, reason: GapFrame["reason"]): void {
    this.flush(this.#context.clock.elapsed(), false);
    this.epoch = page.epoch;
    this.sent = this.#head = page.head;
    this.#tail.reset(page.head);
    for (const reader of this.#readers) reader.markGap(reason, page.base);
  }
}
