import type { Clock, Undo } from "../base/clock.ts";
import type { TimerWheel, WheelItem } from "../base/timer-wheel.ts";
import { closeCodes, type CloseName } from "../protocol/codes.ts";
import type { FrameError } from "../protocol/decode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ClientFrame, ErrorSubject, HelloFrame, ServerFrame } from "../protocol/frames.ts";
import { sessionIdOf } from "../protocol/session-id.ts";
import type { Codec } from "./codec.ts";
import type { Admitted, Message, Socket, SocketListener } from "./engine.ts";
import type { Limits } from "./limits.ts";
import type { Logging } from "./logging/logging.ts";
import { Outbox, type OutboxContext } from "./outbox.ts";
import { OwnFrames, type OwnFramesContext } from "./own-frames.ts";
import { Rate } from "./rate.ts";
import type { Reader } from "./reader.ts";
import { fitReason, refusalFrame, turnDown } from "./refusal.ts";
import type { WireFormat } from "./wire-formats.ts";
import { TaskOwner } from "./work-queue.ts";

/** What all connections of a server have in common. */
export interface ConnectionContext extends OutboxContext, OwnFramesContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly limits: Limits;
  readonly heartbeatMs: number;
  readonly logging: Logging;
  /** Opens or resumes the session that a hello asks for. */
  receiveHello(connection: Connection, hello: HelloFrame): void;
  /** Handles any other frame of an open connection. */
  receiveFrame(connection: Connection, frame: Exclude<ClientFrame, HelloFrame>): void;
  /** A heartbeat has passed and the connection is alive. */
  alive(connection: Connection): void;
  /** The connection is over; called once, with its rooms still on it. */
  ended(connection: Connection): void;
}

/** Who a connection acts for. `id` is what others see; the rest is what `authenticate` gave. */
export interface UserLike {
  readonly id: string;
}

/** What was received within this time was read in the turn of the event loop that looks at it. */
const freshMs = 1000;

/**
 * One client session on this server, for as long as one socket lives: it reads frames, keeps the client to its limits,
 * notices when it is dead, and writes. `opening` (no hello yet) → `open` → `closed`.
 */
export class Connection implements SocketListener, WheelItem {
  wheelSlot = -1;
  wheelIndex = -1;
  wheelTick = -1;
  state: "opening" | "open" | "closed" = "opening";
  /** What it was closed with, by either end; 0 before. */
  closeCode = 0;
  /** Null until the hello, where the server has no `authenticate`; `userId` is the id that it had when it was let in. */
  user: UserLike | null;
  userId: string;
  session = "";
  generation = 0;
  /** Names the ledgers that its session had when it was opened. */
  ledger = "";
  /** The rooms it is in. Few, so an array is smaller and faster than a map. */
  readers: Reader[] = [];
  /** Rooms being joined: they count as rooms. */
  joining = 0;
  /** Publishes and requests being worked on: what a client's window is about. */
  pendingCalls = 0;
  /** Other frames being worked on. */
  pendingOthers = 0;
  /** The highest ref this connection has sent. */
  ref = 0;
  readonly outbox: Outbox;
  readonly own: OwnFrames;
  /** What it asked for and has to be done in turn. */
  readonly work: TaskOwner = new TaskOwner();
  readonly #context: ConnectionContext;
  readonly #codec: Codec;
  readonly #socket: Socket;
  readonly #expiresAt: number | null;
  #receivedMs: number;
  /** When it was asked for life, the first time since it was heard. */
  #askedMs = -1;
  readonly #rate: Rate;
  /** Number of the message that has begun and not ended, 0 when there is none, and since when. */
  #message = 0;
  #messageSinceMs = 0;
  #stopPause: Undo | null = null;

  constructor(context: ConnectionContext, socket: Socket, format: WireFormat, admitted: Admitted) {
    const elapsedMs = context.clock.elapsed();
    this.#context = context;
    this.#codec = format.codec;
    this.#socket = socket;
    ({ user: this.user, userId: this.userId, expiresAt: this.#expiresAt } = admitted);
    this.outbox = new Outbox(context, socket, format, this);
    this.own = new OwnFrames(context, this);
    this.#receivedMs = elapsedMs;
    this.#rate = new Rate(context.limits, elapsedMs);
    context.wheel.add(this, context.limits.handshakeMs);
  }

  receiveBytes(bytes: number, frames: number, message: number): void {
    if (this.state === "closed") return;
    this.#receivedMs = this.#context.clock.elapsed();
    if (message !== this.#message) this.#beginMessage(message);
    if (!this.#rate.spend(bytes, frames)) this.#slowDown();
  }

  receive(message: Message): void {
    if (this.state === "closed") return;
    const frame = this.#decode(message);
    if (!frame) return;
    if (frame.type === "hello") this.#receiveHello(frame);
    else if (this.state === "open") this.#context.receiveFrame(this, frame);
    else this.close("BAD_FRAME", `${frame.type} came before the welcome: hello comes first`);
  }

  drained(): void {
    this.own.wake();
    for (const reader of this.readers) reader.catchUp();
  }

  closed(code: number): void {
    this.#end(code);
  }

  /** The hello was answered: frames are taken from now on. */
  open(): void {
    this.state = "open";
    this.#schedule(this.#context.clock.elapsed());
  }

  /** Sends a frame of this connection's own. One that does not read its replies is closed. */
  send(frame: ServerFrame): void {
    this.own.send(frame);
  }

  /** Refuses a call (by ref) or something about a room. */
  refuse(subject: ErrorSubject, error: BowlineError): void {
    this.send(refusalFrame(subject, error));
  }

  readerOf(room: string): Reader | undefined {
    return this.readers.find((reader) => reader.room.name === room);
  }

  /** Closes with a code of the table. What was sent before still goes out. */
  close(name: CloseName, reason?: string): void {
    if (this.state === "closed") return;
    const { code, text } = closeCodes[name];
    this.#context.logging.closed(name, reason, this);
    this.outbox.flush(this.#context.clock.elapsed());
    this.#socket.close(code, fitReason(reason === undefined ? text : `${text}: ${reason}`));
    this.#end(code);
  }

  /** Called by the wheel: whatever has to be looked at from time to time. */
  due(elapsedMs: number): void {
    if (this.state === "closed") return;
    if (this.state === "opening") return this.#dueUnopened(elapsedMs);
    const { heartbeatMs, clock } = this.#context;
    if (elapsedMs >= this.#messageDueMs()) return this.close("MESSAGE_TIMEOUT");
    if (this.#expiresAt !== null && clock.now() >= this.#expiresAt) return this.close("TOKEN_EXPIRED");
    const quietMs = elapsedMs - this.#receivedMs;
    if (quietMs >= 2 * heartbeatMs && this.#hadTimeToAnswer(elapsedMs)) return this.close("HEARTBEAT_LOST");
    if (quietMs >= heartbeatMs || elapsedMs - this.outbox.sentMs >= heartbeatMs) this.#ask(elapsedMs);
    this.#context.alive(this);
    this.#schedule(elapsedMs);
  }

  /** The time for the hello is over. One that was read just now, after this process was held up, has its time anew. */
  #dueUnopened(elapsedMs: number): void {
    const { wheel, limits } = this.#context;
    const isFresh = this.session !== "" && elapsedMs - this.#receivedMs < freshMs;
    if (isFresh) wheel.add(this, limits.handshakeMs);
    else this.close("HANDSHAKE_TIMEOUT");
  }

  #ask(elapsedMs: number): void {
    if (this.#askedMs <= this.#receivedMs) this.#askedMs = elapsedMs;
    this.send({ type: "ping" });
  }

  /**
   * Whether the silence is the client's: it was asked a while ago, which a process that was held up may not have done, and
   * could be heard, which it can't while it is slowed down.
   */
  #hadTimeToAnswer(elapsedMs: number): boolean {
    const wasAsked = this.#askedMs > this.#receivedMs;
    return wasAsked && elapsedMs - this.#askedMs >= this.#context.heartbeatMs / 2 && !this.#stopPause;
  }

  /** Looks again when a heartbeat is due from the side that was quiet the longest, or the token runs out. */
  #schedule(elapsedMs: number): void {
    const { heartbeatMs, clock, wheel } = this.#context;
    const messageInMs = this.#messageDueMs() - elapsedMs;
    const quietSinceMs = Math.min(this.#receivedMs, this.outbox.sentMs);
    const heartbeatInMs = Math.max(heartbeatMs / 4, quietSinceMs + heartbeatMs - elapsedMs);
    const expiryInMs = this.#expiresAt === null ? Infinity : this.#expiresAt - clock.now();
    wheel.add(this, Math.min(heartbeatInMs, expiryInMs, messageInMs));
  }

  /** Another message has begun, or (0) the last one has ended. */
  #beginMessage(message: number): void {
    this.#message = message;
    if (message === 0) return;
    this.#messageSinceMs = this.#receivedMs;
    // Before it is open, the time for the hello is all it has.
    if (this.state === "open") this.#schedule(this.#receivedMs);
  }

  /** When the message that has begun must have ended. While it is not read it can't. */
  #messageDueMs(): number {
    if (this.#message === 0 || this.#stopPause) return Infinity;
    return this.#messageSinceMs + this.#context.limits.messageMs;
  }

  #decode(message: Message): ClientFrame | null {
    try {
      return this.#codec.decode(message);
    } catch (error) {
      const { message: reason, subject } = error as FrameError;
      if (subject && this.state === "open")
        turnDown(this, this.#context.logging, subject, new BowlineError("INVALID", reason));
      else this.close("BAD_FRAME", reason);
      return null;
    }
  }

  #receiveHello(hello: HelloFrame): void {
    if (this.session) return this.close("BAD_FRAME", "a second hello");
    this.session = sessionIdOf(hello.secret);
    this.generation = hello.generation;
    this.user ??= { id: (this.userId = this.session) };
    this.#context.receiveHello(this, hello);
  }

  /** Reads nothing for a while: a client over its rate is held back by TCP, and loses nothing. */
  #slowDown(): void {
    const pausedMs = this.#rate.settle(this.#receivedMs);
    if (pausedMs === 0) return;
    if (pausedMs === null) return this.close("RATE_LIMITED");
    if (this.#stopPause) return;
    this.#socket.pause();
    this.#stopPause = this.#context.clock.setTimer(pausedMs, () => {
      this.#stopPause = null;
      this.#receivedMs = this.#context.clock.elapsed();
      this.#messageSinceMs += pausedMs;
      if (this.state === "open") this.#schedule(this.#receivedMs);
      this.#socket.resume();
    });
  }

  #end(code: number): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.closeCode = code;
    this.#stopPause?.();
    this.own.wake();
    this.#context.wheel.remove(this);
    this.#context.ended(this);
    this.readers = [];
  }
}
