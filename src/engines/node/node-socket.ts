import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { WebSocket, type RawData } from "ws";
import type { Batch, Framing, Socket, SocketListener } from "../../server/engine.ts";
import { FrameMeter } from "./frame-meter.ts";
import { AsciiFrame, nodeFraming } from "./framing.ts";
import { readFor } from "./stand-in.ts";
import { Turns, type Waiting } from "./turns.ts";

/** Bytes waiting in a socket above which WebSocket pings go unanswered: who does not read gets no more to read. */
const pongBufferMax = 65_536;

/** Bytes that are read of a socket after it was closed: the answer to the close frame comes behind what was on its way. */
const closingBytesMax = 262_144;

/** Of all sockets of the process: they share its event loop. */
const turns = new Turns();

const listenerKey = Symbol("bowline listener");
const socketKey = Symbol("bowline socket");

/** The listener hangs on the objects that raise the events, so that no connection needs closures of its own. */
interface Bound {
  [listenerKey]?: SocketListener;
  [socketKey]?: NodeSocket;
}

/**
 * A socket of the `ws` library. Batches are framed already and go to the stream below it, past its sender: one write
 * for many messages, and the same buffer for many sockets. That is sound because nothing else of ours goes through the
 * sender, which hands the rare control frame to the stream in one piece.
 */
export class NodeSocket implements Socket, Waiting {
  readonly #ws: WebSocket;
  readonly #stream: Duplex;
  readonly #meter = new FrameMeter();
  #closingBytes = 0;
  /** Whether the server wants nothing read. */
  #isPaused = false;
  /** Whether it has had its share of the turn. */
  #isWaiting = false;
  #hasWaited = false;

  constructor(ws: WebSocket, stream: Duplex) {
    this.#ws = ws;
    this.#stream = stream;
  }

  get framing(): Framing {
    return nodeFraming;
  }

  /** Starts to hand events over. */
  listen(listener: SocketListener): void {
    (this.#ws as Bound)[listenerKey] = listener;
    (this.#stream as Bound)[listenerKey] = listener;
    (this.#stream as Bound)[socketKey] = this;
    this.#ws.on("message", onMessage).on("ping", onPing).on("close", onClose).on("error", onError);
    this.#stream.on("drain", onDrain);
    readFor(this.#stream, take);
  }

  /** Bytes came: gives how many of them are handed over now. The rest comes again in another turn. */
  take(bytes: Buffer): number {
    const length = this.#meter.read(bytes, turns.framesFor(this));
    const { frames, message } = this.#meter;
    const hasMore = turns.spend(frames, length);
    if (length < bytes.length || !hasMore) this.#wait(bytes, length);
    if (this.#ws.readyState === WebSocket.OPEN)
      (this.#ws as Bound)[listenerKey]?.receiveBytes(length, frames, message);
    else this.#closingBytes += length;
    // One that goes on sending after it was closed is not read to its end: it is cut soon.
    if (this.#closingBytes > closingBytesMax) this.pause();
    return length;
  }

  goOn(): void {
    this.#isWaiting = false;
    if (!this.#isPaused) this.#ws.resume();
  }

  #wait(bytes: Buffer, length: number): void {
    this.#ws.pause();
    if (length < bytes.length) this.#stream.unshift(bytes.subarray(length));
    // Who cuts the line has said nothing that is still to be read, and must not have it read all at once.
    if (!this.#hasWaited) this.#stream.prependListener("close", dropRest);
    this.#hasWaited = true;
    if (!this.#isWaiting) turns.wait(this);
    this.#isWaiting = true;
  }

  send(batch: Batch): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    if (batch instanceof AsciiFrame) this.#stream.write(batch.bytes, "latin1");
    else this.#stream.write(batch);
  }

  bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  pause(): void {
    this.#isPaused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isWaiting) this.#ws.resume();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
    // The answer can't be read while reading is paused.
    this.resume();
  }

  terminate(): void {
    this.#ws.terminate();
  }
}

function onMessage(this: WebSocket & Bound, data: RawData, isBinary: boolean): void {
  this[listenerKey]?.receive(isBinary ? (data as Buffer) : (data as Buffer).toString());
}

function onPing(this: WebSocket & Bound, data: Buffer): void {
  if (this.bufferedAmount < pongBufferMax && this.readyState === WebSocket.OPEN) this.pong(data);
}

function onClose(this: WebSocket & Bound, code: number): void {
  this[listenerKey]?.closed(code);
}

/** A close always follows; the cause (a reset, a message too large) says nothing that the close does not. */
function onError(): void {}

function take(this: Duplex & Bound, bytes: Buffer): number {
  return this[socketKey]?.take(bytes) ?? 0;
}

function dropRest(this: Duplex): void {
  while (this.read() !== null);
}

function onDrain(this: Duplex & Bound): void {
  this[listenerKey]?.drained();
}
