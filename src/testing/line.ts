import type { TransportListener, TransportSocket } from "../client/socket.ts";
import type { Socket, SocketListener } from "../server/engine.ts";
import { messageBytes, type TextBatch } from "./framing.ts";
import type { SimProcess } from "./sim-process.ts";
import { Wire } from "./wire.ts";

/** What a {@link Line} is told at its making. */
export interface LineOptions {
  readonly client: SimProcess;
  readonly node: SimProcess;
  readonly listener: TransportListener;
  readonly latencyMs: () => number;
  /** A buffer that was above this many bytes says when it is empty. */
  readonly drainBytes: number;
  readonly payloadBytes: number;
  /** Sees every frame that is sent. */
  readonly watch: (from: SimProcess, to: SimProcess, text: string) => void;
  /** Both ends have seen the end of it, or never will. */
  readonly ended: (line: Line) => void;
}

/** How long the server waits for the answer to a close frame. */
const closeTimeoutMs = 2000;

/** Which ends of a broken line see that it is. Default: both. */
export interface Seen {
  readonly client?: boolean;
  readonly server?: boolean;
}

interface Waiting {
  readonly bytes: number;
  readonly leave: () => void;
}

/**
 * One connection between a client and a node: ordered both ways, as TCP is, and open to everything that can befall one.
 * The node's half keeps to what `server/engine.ts` asks of an engine, and does no more than that.
 */
export class Line {
  readonly client: SimProcess;
  readonly node: SimProcess;
  readonly clientEnd: TransportSocket;
  readonly serverEnd: Socket;
  /** The most bytes that waited at a time, and the largest write. */
  peakBytes = 0;
  largestBytes = 0;
  readonly #options: LineOptions;
  readonly #up: Wire;
  readonly #down: Wire;
  #listener: SocketListener | null = null;
  #clientOver = false;
  #serverOver = false;
  #clientGone = false;
  #clientDeaf = false;
  #closing = false;
  #paused: (() => void)[] | null = null;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #wasFull = false;
  #leaving = false;
  #stalled = false;
  #bytesPerMs = Infinity;
  #framesLeft = Infinity;

  constructor(options: LineOptions) {
    const { client, node, latencyMs } = options;
    this.client = client;
    this.node = node;
    this.#options = options;
    this.#up = new Wire(node, latencyMs);
    this.#down = new Wire(client, latencyMs);
    this.clientEnd = {
      send: (text) => this.#sendUp(text),
      close: (code) => this.#closeByClient(code),
    };
    this.serverEnd = {
      send: (batch) => this.#sendDown(batch as TextBatch),
      bufferedBytes: () => this.#waitingBytes,
      pause: () => (this.#paused ??= []),
      resume: () => this.#resume(),
      close: (code, reason) => this.#closeByServer(code, reason),
      terminate: () => this.reset(),
    };
  }

  /** Whether the server's half still stands. */
  get isServerOpen(): boolean {
    return this.#listener !== null && !this.#serverOver;
  }

  /** Whether the node's half is over, or the client hung up before it was let in. */
  get isServerOver(): boolean {
    return this.#serverOver;
  }

  /** Takes the upgrade to the node. */
  knock(arrive: () => void): void {
    this.#up.carry(arrive);
  }

  /** The node let the client in. */
  open(listener: SocketListener): void {
    this.#listener = listener;
    this.#down.carry(() => {
      if (!this.#clientOver) this.#options.listener.opened();
    });
  }

  /** The node did not let the client in, or there is none. */
  refuse(): void {
    this.#serverOver = true;
    this.#down.carry(() => this.#endClient(1006, ""));
  }

  /** The connection breaks; what is on its way is lost. Says which ends see it: the others must find out. */
  reset({ client = true, server = true }: Seen = {}): void {
    this.#up.die();
    this.#down.die();
    this.#waiting = [];
    this.#waitingBytes = 0;
    const { timeline } = this.node;
    const soon = (process: SimProcess, task: () => void): void =>
      void timeline.after(this.#options.latencyMs(), () => process.run(task));
    if (client && !this.#clientDeaf) soon(this.client, () => this.#endClient(1006, ""));
    if (server) soon(this.node, () => this.#endServer());
  }

  /** Everything one way is lost from now on, and neither end is told. */
  goDeaf(way: "up" | "down" | "both"): void {
    if (way !== "down") this.#up.die();
    if (way === "up") return;
    this.#down.die();
    this.#clientDeaf = true;
  }

  /** What is sent one way waits on the way, until `flow`. */
  hold(way: "up" | "down"): void {
    if (way === "up") this.#up.hold();
    else this.#down.hold();
  }

  /** The client's end takes nothing, until `flow`. */
  stall(): void {
    this.#stalled = true;
  }

  /** The client's end takes this much. */
  slowDown(bytesPerMs: number): void {
    this.#bytesPerMs = bytesPerMs;
  }

  /** Ends `hold`, `stall` and `slowDown`. */
  flow(): void {
    this.#up.release();
    this.#down.release();
    this.#stalled = false;
    this.#bytesPerMs = Infinity;
    this.#pump();
  }

  /** So many more frames get to the client, then the line breaks: in the middle of a write, if need be. */
  tearAfter(frames: number): void {
    this.#framesLeft = frames;
  }

  #sendUp(text: string): void {
    const { watch, payloadBytes } = this.#options;
    if (this.#clientOver) return;
    watch(this.client, this.node, text);
    this.#up.carry(() => {
      if (text.length > payloadBytes) this.#closeByServer(1009, "");
      else this.#receive(() => this.#listener?.receive(text));
    });
  }

  #receive(task: () => void): void {
    if (this.#serverOver) return;
    if (this.#paused) this.#paused.push(task);
    else task();
  }

  #resume(): void {
    const held = this.#paused ?? [];
    this.#paused = null;
    for (const task of held) this.node.timeline.after(0, () => this.node.run(() => this.#receive(task)));
  }

  #sendDown({ messages, byteLength }: TextBatch): void {
    if (this.#closing || this.#serverOver) return;
    this.largestBytes = Math.max(this.largestBytes, byteLength);
    for (const text of messages) {
      this.#options.watch(this.node, this.client, text);
      this.#put(messageBytes(text), () => this.#carryDown(text));
    }
    this.#pump();
  }

  #carryDown(text: string): void {
    if (this.#framesLeft <= 0) return;
    this.#framesLeft -= 1;
    const isLast = this.#framesLeft === 0;
    this.#down.carry(() => {
      if (!this.#clientOver) this.#options.listener.received(text);
      if (isLast) this.reset();
    });
  }

  #put(bytes: number, leave: () => void): void {
    this.#waiting.push({ bytes, leave });
    this.#waitingBytes += bytes;
  }

  /** Lets go what the other end takes: everything at once, or one frame after another. */
  #pump(): void {
    while (this.#waiting.length > 0 && !this.#stalled && this.#bytesPerMs === Infinity) this.#leave();
    this.peakBytes = Math.max(this.peakBytes, this.#waitingBytes);
    this.#wasFull ||= this.#waitingBytes > this.#options.drainBytes;
    const first = this.#waiting[0];
    if (!first || this.#stalled || this.#leaving) return;
    this.#leaving = true;
    this.node.timeline.after(first.bytes / this.#bytesPerMs, () => {
      this.#leaving = false;
      if (!this.#stalled && this.#waiting.length > 0) this.#leave();
      this.#pump();
    });
  }

  #leave(): void {
    const first = this.#waiting.shift() as Waiting;
    this.#waitingBytes -= first.bytes;
    first.leave();
    if (this.#waiting.length > 0 || !this.#wasFull) return;
    this.#wasFull = false;
    this.node.timeline.after(0, () =>
      this.node.run(() => {
        if (!this.#serverOver) this.#listener?.drained();
      }),
    );
  }

  #closeByClient(code: number): void {
    if (this.#clientOver) return;
    this.#clientGone = true;
    this.#up.carry(() => {
      this.#endServer();
      this.#down.carry(() => this.#endClient(code, ""));
    });
  }

  #closeByServer(code: number, reason: string): void {
    if (this.#closing || this.#serverOver) return;
    this.#closing = true;
    this.#paused = null;
    this.#put(0, () =>
      this.#down.carry(() => {
        this.#endClient(code, reason);
        this.#up.carry(() => this.#endServer());
      }),
    );
    this.#pump();
    this.node.timeline.after(closeTimeoutMs, () => {
      if (!this.#serverOver) this.reset();
    });
  }

  #endClient(code: number, reason: string): void {
    if (this.#clientOver) return;
    this.#clientOver = true;
    this.#options.listener.closed(code, reason);
    this.#ended();
  }

  #endServer(): void {
    if (this.#serverOver) return;
    this.#serverOver = true;
    this.#paused = null;
    this.#listener?.closed();
    this.#ended();
  }

  #ended(): void {
    if ((this.#clientOver || this.#clientGone) && this.#serverOver) this.#options.ended(this);
  }
}
