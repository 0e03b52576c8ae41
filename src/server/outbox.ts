import type { Clock } from "../base/clock.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import type { Batch, Message, Socket } from "./engine.ts";
import type { Flushable, Flusher } from "./flusher.ts";
import type { WireFormat } from "./wire-formats.ts";

/** What all outboxes of a server have in common. */
export interface OutboxContext {
  readonly clock: Clock;
  readonly flusher: Flusher;
  /** Bytes waiting above which an outbox counts as full. */
  readonly slowBytes: number;
}

/** Who goes on when an outbox is no longer full. */
export interface Drained {
  drained(): void;
}

/** What one connection gets in one turn of the event loop, in order, sent with one write. */
export class Outbox implements Flushable {
  /** When the last write was made, on the elapsed clock. */
  sentMs: number;
  readonly format: WireFormat;
  readonly #context: OutboxContext;
  readonly #socket: Socket;
  /** One reply, or one batch of a room, is by far the most common content; it needs no array. */
  #only: string | Batch | null = null;
  #items: (string | Batch)[] | null = null;
  #queuedBytes = 0;
  /** Whether somebody was told that it is full, and waits to hear that it no longer is. */
  #turnedAway = false;
  readonly #drained: Drained;

  constructor(context: OutboxContext, socket: Socket, format: WireFormat, drained: Drained) {
    this.#context = context;
    this.format = format;
    this.#drained = drained;
    this.#socket = socket;
    this.sentMs = context.clock.elapsed();
  }

  /** Bytes (UTF-16 units where not yet encoded) that wait here and in the socket. */
  waitingBytes(): number {
    return this.#queuedBytes + this.#socket.bufferedBytes();
  }

  /** Whether room traffic should wait. Who is told so is told by `drained` when to go on. */
  isFull(): boolean {
    const isFull = this.waitingBytes() > this.#context.slowBytes;
    this.#turnedAway ||= isFull;
    return isFull;
  }

  /** Adds a frame for this connection alone. */
  sendFrame(frame: ServerFrame): void {
    this.send(this.format.codec.frame(frame));
  }

  /** The same, encoded. Texts of one turn are framed together. */
  send(message: Message): void {
    if (typeof message !== "string") return this.sendBatch(this.format.framing.pack([message]));
    this.#queuedBytes += message.length;
    this.#add(message);
  }

  /** Adds frames that other connections get as well. */
  sendBatch(batch: Batch): void {
    this.#queuedBytes += batch.byteLength;
    this.#add(batch);
  }

  /** The same, for the only batch of this turn: where nothing else waits, it is written at once. */
  sendOnly(batch: Batch, elapsedMs: number): void {
    if (this.#only || this.#items) return this.sendBatch(batch);
    this.sentMs = elapsedMs;
    this.#socket.send(batch);
  }

  flush(elapsedMs: number): void {
    const batch = this.#takeBatch();
    if (!batch) return;
    this.#queuedBytes = 0;
    this.sentMs = elapsedMs;
    this.#socket.send(batch);
    // What the system takes at once never fills the socket, and so never drains it.
    if (this.#turnedAway) this.checkDrained();
  }

  /** Lets those who were turned away go on, if there is room again. */
  checkDrained(): void {
    this.#turnedAway = false;
    if (!this.isFull()) this.#drained.drained();
  }

  /** The outbox is on the flusher's list exactly while something waits. */
  #add(item: string | Batch): void {
    if (this.#items) {
      this.#items.push(item);
    } else if (this.#only !== null) {
      this.#items = [this.#only, item];
      this.#only = null;
    } else {
      this.#only = item;
      this.#context.flusher.addOutbox(this);
    }
  }

  #takeBatch(): Batch | null {
    const only = this.#only;
    const items = this.#items;
    this.#only = null;
    this.#items = null;
    if (typeof only === "string") return this.format.framing.pack([only]);
    return only ?? (items && this.#pack(items));
  }

  #pack(items: readonly (string | Batch)[]): Batch {
    const { framing } = this.format;
    const batches: Batch[] = [];
    let texts: string[] = [];
    for (const item of items) {
      if (typeof item === "string") {
        texts.push(item);
        continue;
      }
      if (texts.length > 0) batches.push(framing.pack(texts));
      texts = [];
      batches.push(item);
    }
    if (texts.length > 0) batches.push(framing.pack(texts));
    return batches.length === 1 ? (batches[0] as Batch) : framing.join(batches);
  }
}
