import type { TransportListener, TransportSocket } from "../client/socket.ts";
import type { Socket, SocketListener } from "../server/engine.ts";
import { messageBytes, textFraming, type TextBatch } from "./framing.ts";
import { emptyFrameBytes, listBytesOf, readClaim, type Claim, type Seen } from "./line-frames.ts";
import { SendBuffer } from "./send-buffer.ts";
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
  /** The node closes it. */
  /** The node takes what came from the client. */
  readonly took: (line: Line) => void;
  readonly closes: (line: Line, code: number) => void;
  /** Both ends have seen the end of it, or never will. */
  readonly ended: (line: Line) => void;
}

/** How long the server waits for the answer to a close frame. */
const closeTimeoutMs = 2000;

/**
 * One connection between a client and a node: ordered both ways, as TCP is, and open to everything that can befall one.
 * The node's half keeps to what `server/engine.ts` asks of an engine, and does no more than that.
 */
export class Line {
  readonly client: SimProcess;
  readonly node: SimProcess;
  readonly clientEnd: TransportSocket;
  readonly serverEnd: Socket;
  /** The largest write to the client. */
  largestBytes = 0;
  /** The longest list of members that was sent, in bytes. */
  largestListBytes = 0;
  /** What the client's hello said, once it is on its way. */
  claim: Claim | null = null;
  /** Whether the broker has opened that session for it. */
  isOpened = false;
  /** Frames that the node has taken from the client, until it closed. */
  takenFrames = 0;
  /** Whether the client's end was ever kept from taking what is sent. */
  wasSlow = false;
  /** When its token runs out: milliseconds since 1970. */
  expiresAt: number | null = null;
  readonly #options: LineOptions;
  readonly #up: Wire;
  readonly #down: Wire;
  readonly #buffer: SendBuffer;
  #listener: SocketListener | null = null;
  #clientOver = false;
  #serverOver = false;
  #clientGone = false;
  #clientDeaf = false;
  #closing = false;
  #paused = false;
  /** What has arrived and was not handed over: in the time of a pause, and while what waited then is. */
  #held: (() => void)[] = [];
  #handing = false;
  #framesLeft = Infinity;

  constructor(options: LineOptions) {
    const { client, node, latencyMs } = options;
    this.client = client;
    this.node = node;
    this.#options = options;
    this.#up = new Wire(node, latencyMs);
    this.#down = new Wire(client, latencyMs);
    this.#buffer = new SendBuffer(node, options.drainBytes, () => {
      if (!this.#serverOver) this.#listener?.drained();
    });
    this.clientEnd = {
      send: (text) => this.#sendUp(text),
      close: (code) => this.#closeByClient(code),
    };
    this.serverEnd = {
      framing: textFraming,
      send: (batch) => this.#sendDown(batch as TextBatch),
      bufferedBytes: () => this.#buffer.bytes,
      pause: () => (this.#paused = true),
      resume: () => this.#resume(),
      close: (code, reason) => this.#closeByServer(code, reason),
      terminate: () => this.reset(),
    };
  }

  /** The most bytes that waited for the client at a time. */
  get peakBytes(): number {
    return this.#buffer.peakBytes;
  }

  /** Whether the node's half is over, or the client hung up before it was let in. */
  get isServerOver(): boolean {
    return this.#serverOver;
  }

  /** Whether the node has hung up, or knows that the line is over. */
  get isClosing(): boolean {
    return this.#closing || this.#serverOver;
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
    this.#buffer.clear();
    const { timeline } = this.node;
    const soon = (process: SimProcess, task: () => void): void =>
      void timeline.after(this.#options.latencyMs(), () => process.run(task));
    if (client && !this.#clientDeaf) soon(this.client, () => this.#endClient(1006, ""));
    if (server) soon(this.node, () => this.#endServer(1006));
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
    this.wasSlow = true;
    this.#buffer.stall();
  }

  /** The client's end takes this much. */
  slowDown(bytesPerMs: number): void {
    this.wasSlow = true;
    this.#buffer.slowDown(bytesPerMs);
  }

  /** Ends `hold`, `stall` and `slowDown`. */
  flow(): void {
    this.#up.release();
    this.#down.release();
    this.#buffer.flow();
  }

  /** So many more frames get to the client, then the line breaks: in the middle of a write, if need be. */
  tearAfter(frames: number): void {
    this.#framesLeft = frames;
  }

  /** The client sends frames with nothing in them: of message 0 control frames, of another one pieces of it. */
  sendEmpty(frames: number, message: number): void {
    if (this.#clientOver) return;
    this.#up.carry(() => this.#receive(() => this.#take(frames * emptyFrameBytes, frames, message)));
  }

  #take(bytes: number, frames: number, message: number): void {
    // What comes after a close is thrown away.
    if (!this.#closing) this.takenFrames += frames;
    if (!this.#closing) this.#options.took(this);
    this.#listener?.receiveBytes(bytes, frames, message);
  }

  #sendUp(text: string): void {
    const { watch, payloadBytes } = this.#options;
    if (this.#clientOver) return;
    watch(this.client, this.node, text);
    this.claim ??= readClaim(text);
    this.#up.carry(() => {
      if (text.length > payloadBytes) this.#closeByServer(1009, "");
      else this.#receive(() => this.#deliver(text));
    });
  }

  #deliver(text: string): void {
    this.#take(messageBytes(text), 1, 0);
    this.#listener?.receive(text);
  }

  #receive(task: () => void): void {
    if (this.#serverOver) return;
    if (this.#paused || this.#held.length > 0) this.#held.push(task);
    else task();
  }

  #resume(): void {
    this.#paused = false;
    this.#handOver();
  }

  /** Hands over what waits, one after another. */
  #handOver(): void {
    if (this.#handing || this.#held.length === 0) return;
    this.#handing = true;
    this.node.timeline.after(0, () =>
      this.node.run(() => {
        this.#handing = false;
        if (this.#paused || this.#serverOver) return;
        this.#held.shift()?.();
        this.#handOver();
      }),
    );
  }

  #sendDown({ messages, byteLength }: TextBatch): void {
    if (this.#closing || this.#serverOver) return;
    this.largestBytes = Math.max(this.largestBytes, byteLength);
    for (const text of messages) {
      this.largestListBytes = Math.max(this.largestListBytes, listBytesOf(text));
      this.#options.watch(this.node, this.client, text);
      this.#buffer.put(messageBytes(text), () => this.#carryDown(text));
    }
    this.#buffer.pump();
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

  #closeByClient(code: number): void {
    if (this.#clientOver) return;
    this.#options.watch(this.client, this.node, `close ${code}`);
    this.#clientGone = true;
    this.#up.carry(() => {
      this.#endServer(code);
      this.#down.carry(() => this.#endClient(code, ""));
    });
  }

  #closeByServer(code: number, reason: string): void {
    if (this.#closing || this.#serverOver) return;
    this.#options.watch(this.node, this.client, `close ${code} ${reason}`);
    this.#options.closes(this, code);
    this.#closing = true;
    this.#resume();
    this.#buffer.put(0, () =>
      this.#down.carry(() => {
        this.#endClient(code, reason);
        this.#up.carry(() => this.#endServer(code));
      }),
    );
    this.#buffer.pump();
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

  #endServer(code: number): void {
    if (this.#serverOver) return;
    this.#serverOver = true;
    this.#held = [];
    this.#listener?.closed(code);
    this.#ended();
  }

  #ended(): void {
    if ((this.#clientOver || this.#clientGone) && this.#serverOver) this.#options.ended(this);
  }
}
