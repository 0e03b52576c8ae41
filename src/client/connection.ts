import { backoffMs } from "../base/backoff.ts";
import type { Clock, Undo } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import type { Random } from "../base/random.ts";
import { clientCloseNumbers, closeAction, closeName, finalCloseNumbers } from "../protocol/codes.ts";
import { decodeServerFrame } from "../protocol/decode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { Transport, TransportSocket } from "./socket.ts";
import type { Status } from "./status.ts";

/** Where a token comes from: called before each attempt. */
export type TokenSource = () => string | null | Promise<string | null>;

/** What a {@link Connection} needs of the client. */
export interface ConnectionContext {
  readonly url: string;
  readonly token: TokenSource;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** The hello to open with, as text. */
  hello(): string | Promise<string>;
  /** Called before the state is `open`. */
  welcomed(frame: WelcomeFrame): void;
  /** Called when it is. */
  opened(): void;
  received(frame: ServerFrame): void;
  /** Whether something that was sent over this socket waits for its answer. */
  awaitsAnswers(): boolean;
  /** The connection was open and is not any more. */
  lost(): void;
  /** The session is somebody else's: begin a new one. */
  disowned(): void;
  readonly report: (error: unknown) => void;
}

const handshakeTimeoutMs = 15_000;
/** How long a connection must have been open for the next wait to start from the beginning. */
const stableMs = 10_000;
/** How long a connection that may be dead after a sleep has to prove that it is not. */
const probeMs = 5000;
/** Beyond two heartbeats, for what a busy machine and a slow line add. */
const heartbeatSlackMs = 5000;

/**
 * Keeps one connection open: dials, waits, dials again. Sockets come and go under it; each has a listener of its own,
 * and what a former one still says is not heard.
 */
export class Connection {
  readonly statuses: Emitter<Status>;
  readonly #context: ConnectionContext;
  #status: Status = { state: "closed", error: null };
  #socket: TransportSocket | null = null;
  /** Counts dials: an answer that belongs to an earlier one is thrown away. */
  #round = 0;
  #attempt = 0;
  #openedMs = 0;
  #receivedMs = 0;
  #heartbeatMs = 0;
  #token: string | null = null;
  #stopTimer: Undo = () => {};
  #stopWatch: Undo = () => {};
  #stopRecycle: Undo = () => {};
  #stopWake: Undo | null = null;
  #isLeaving = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
    this.statuses = new Emitter(context.report);
  }

  get status(): Status {
    return this.#status;
  }

  get isOpen(): boolean {
    return this.#status.state === "open";
  }

  /** Whether calls may be sent: not to a server that is about to be left. */
  get takesCalls(): boolean {
    return this.isOpen && !this.#isLeaving;
  }

  /** Starts connecting; does nothing where that is under way. */
  connect(): void {
    if (this.#status.state !== "closed") return;
    this.#stopWake ??= this.#context.transport.onWake(() => this.#wake());
    this.#attempt = 0;
    void this.#dial();
  }

  /** Ends it on purpose, or for `error`. */
  close(error: BowlineError | null = null): void {
    this.#drop(clientCloseNumbers.NORMAL);
    this.#stopWake?.();
    this.#stopWake = null;
    this.#set({ state: "closed", error });
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  /** Gives the socket or the wait up and dials at once. */
  redial(): void {
    this.#drop(clientCloseNumbers.RETURNING);
    void this.#dial();
  }

  /** A call was answered. A server that goes away is left after its last answer: it may never be back to give it. */
  answered(): void {
    if (this.#isLeaving && !this.#context.awaitsAnswers()) this.redial();
  }

  /** The one place where the state changes. */
  #set(status: Status): void {
    const wasOpen = this.isOpen;
    this.#status = status;
    if (wasOpen && status.state !== "open") this.#context.lost();
    this.statuses.emit(status);
  }

  /** Opens a socket. With `refusal`, the last token was refused for that: without a new one, it ends there. */
  async #dial(refusal: BowlineError | null = null): Promise<void> {
    const { clock } = this.#context;
    const round = ++this.#round;
    this.#stopTimer();
    this.#stopTimer = clock.setTimer(handshakeTimeoutMs, () => this.giveUp("no answer in time"));
    this.#set({ state: "connecting", attempt: this.#attempt });
    const token = await this.#askForToken(round);
    if (round !== this.#round) return;
    if (refusal && token === this.#token) return this.close(refusal);
    this.#token = token;
    try {
      this.#socket = this.#open(round);
    } catch (error) {
      this.#fail(round, error, "no socket could be opened");
    }
  }

  /** The token for this dial; where none can be had, the dial is over. */
  async #askForToken(round: number): Promise<string | null> {
    try {
      return await this.#context.token();
    } catch (error) {
      this.#fail(round, error, "no token could be had");
      return null;
    }
  }

  /** Something of this client's own broke: reports it, and ends the dial it was for. */
  #fail(round: number, error: unknown, reason: string): void {
    this.#context.report(error);
    if (round === this.#round) this.giveUp(reason);
  }

  #open(round: number): TransportSocket {
    const { transport, url } = this.#context;
    let opened = false;
    return transport.open(url, this.#token, {
      opened: () => {
        opened = true;
        if (round === this.#round) void this.#sayHello(round);
      },
      received: (text) => {
        if (round === this.#round) this.#receive(text);
      },
      closed: (code, reason) => {
        if (round === this.#round) void this.#closed(code, reason, opened);
      },
    });
  }

  async #sayHello(round: number): Promise<void> {
    try {
      const hello = await this.#context.hello();
      if (round === this.#round) this.send(hello);
    } catch (error) {
      this.#fail(round, error, "the session could not be stored");
    }
  }

  #receive(text: string): void {
    this.#receivedMs = this.#context.clock.elapsed();
    let frame: ServerFrame | null = null;
    try {
      frame = decodeServerFrame(text);
      this.#handle(frame);
    } catch (error) {
      this.#context.report(error);
      // A fault in handling one is this client's: the server would do no better another time.
      if (!frame) this.giveUp("the server sent what is no frame");
    }
  }

  #handle(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "ping":
        return this.send('{"type":"pong"}');
      case "goaway":
        this.#stopRecycle();
        this.#stopRecycle = this.#context.clock.setTimer(frame.delayMs, () => {
          this.#isLeaving = true;
          this.answered();
        });
        return;
      case "degraded":
        if (this.isOpen) this.#set({ state: "open", degraded: frame.active });
        return;
      default:
        this.#context.received(frame);
    }
  }

  #welcome(frame: WelcomeFrame): void {
    this.#stopTimer();
    this.#openedMs = this.#receivedMs;
    this.#heartbeatMs = frame.heartbeatMs;
    this.#watch();
    this.#context.welcomed(frame);
    this.#set({ state: "open", degraded: frame.degraded ?? false });
    this.#context.opened();
  }

  async #closed(code: number, reason: string, opened: boolean): Promise<void> {
    this.#drop();
    if (!opened) return this.#askWhy();
    if (code === finalCloseNumbers.SESSION_MISMATCH) {
      this.#context.disowned();
      return this.#dial();
    }
    const text = reason || `closed with ${code}`;
    const action = closeAction(code);
    if (action === "reconnect") return this.giveUp(text);
    const error = new BowlineError(closeName(code), text);
    if (action === "token") await this.#dial(error);
    else this.close(error);
  }

  /** The socket never opened, and a browser does not say why: asks by HTTP. */
  async #askWhy(): Promise<void> {
    const { transport, url } = this.#context;
    const round = this.#round;
    const refusal = await transport.ask(url, this.#token);
    if (round !== this.#round) return;
    if (refusal?.status === 401 || refusal?.status === 403)
      this.close(new BowlineError(refusal.code, refusal.message));
    else this.giveUp(refusal?.message ?? "the server can't be reached", refusal?.retryAfterMs);
  }

  /** Gives the socket up, if there is one, and dials again after a wait. */
  giveUp(reason: string, atLeastMs = 0): void {
    const { clock, random } = this.#context;
    this.#drop(clientCloseNumbers.RETURNING);
    if (this.#openedMs > 0 && clock.elapsed() - this.#openedMs >= stableMs) this.#attempt = 0;
    this.#openedMs = 0;
    const delayMs = atLeastMs + backoffMs(this.#attempt, random);
    this.#attempt += 1;
    // Before the state is told: whoever hears of it may close, and that must end the wait.
    this.#stopTimer = clock.setTimer(delayMs, () => void this.#dial());
    this.#set({ state: "waiting", attempt: this.#attempt, retryAt: clock.now() + delayMs, reason });
  }

  /** Lets go of the socket, whatever its state; nothing of it is heard any more. */
  #drop(code?: number): void {
    this.#round += 1;
    this.#stopTimer();
    this.#stopWatch();
    this.#stopRecycle();
    this.#isLeaving = false;
    if (code !== undefined) this.#socket?.close(code, "");
    this.#socket = null;
  }

  /** Looks whether anything was heard lately, when next it could be too long ago. */
  #watch(): void {
    const { clock } = this.#context;
    const limitMs = 2 * this.#heartbeatMs + heartbeatSlackMs;
    const leftMs = this.#receivedMs + limitMs - clock.elapsed();
    if (leftMs <= 0) return this.giveUp("nothing was heard for two heartbeats");
    this.#stopWatch = clock.setTimer(leftMs, () => this.#watch());
  }

  /** The network may be back, or may have gone while the machine slept. */
  #wake(): void {
    const { clock } = this.#context;
    if (this.#status.state === "waiting") return void this.#dial();
    if (!this.isOpen) return;
    const askedMs = clock.elapsed();
    this.send('{"type":"ping"}');
    this.#stopTimer();
    this.#stopTimer = clock.setTimer(probeMs, () => {
      if (this.#receivedMs < askedMs) this.redial();
    });
  }
}
