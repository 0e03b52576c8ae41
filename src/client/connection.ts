import { backoffMs } from "../base/backoff.ts";
import type { Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import { Emitter } from "../base/emitter.ts";
import { clientCloseNumbers, closeAction, closeName, finalCloseNumbers } from "../protocol/codes.ts";
import { decodeServerFrame } from "../protocol/decode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { Refusal, TransportSocket } from "./socket.ts";
import { troubleOf, type Status } from "./status.ts";
import { textOption } from "./text-option.ts";

/** In base64url, twelve thousand fill the 16 KiB that all headers of a request may have at most servers. */
const tokenLengthMax = 12_000;
const handshakeTimeoutMs = 15_000;
const unreachable = `the server can't be reached: is it running, and the option "url" right?`;
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
  /** What of its ups and downs the console was told since it was open. */
  readonly #printed = new Set<string>();
  readonly #context: ConnectionContext;
  #status: Status = { state: "closed", error: null };
  #socket: TransportSocket | null = null;
  /** Counts dials: an answer that belongs to an earlier one is thrown away. */
  #round = 0;
  #attempt = 0;
  #openedMs = 0;
  #receivedMs = 0;
  #heartbeatMs = 0;
  /** That of the last attempt; undefined before there was one. */
  #token: string | null | undefined;
  /** Whether that token was asked for because the one before it was refused. */
  #isRetrial = false;
  #stopTimer: Undo = () => {};
  #stopWatch: Undo = () => {};
  #stopRecycle: Undo = () => {};
  #stopWake: Undo | null = null;
  #isLeaving = false;
  /** Whether it was dialled again without a wait since a connection was last stable. */
  #isHasty = false;

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
    this.#isHasty = false;
    this.#token = undefined;
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

  /** Another session has to be opened: ends the present one for good, and dials. */
  renew(reason: string): void {
    const { state } = this.#status;
    if (state === "closed" || state === "waiting") return;
    this.#drop(clientCloseNumbers.NORMAL);
    this.#dialSoon(reason);
  }

  /** A call was answered. A server that goes away is left after its last answer: it may never be back to give it. */
  answered(): void {
    if (this.#isLeaving && !this.#context.awaitsAnswers()) this.redial();
  }

  /** The one place where the state changes. */
  #set(status: Status): void {
    const wasOpen = this.isOpen;
    this.#status = status;
    if (status.state === "closed") this.#context.ended(status.error);
    else if (wasOpen && status.state !== "open") this.#context.lost();
    // Who heard of that may have connected or closed, which was told then.
    if (this.#status !== status) return;
    if (this.statuses.isHeard) this.statuses.emit(status);
    else this.#notice(troubleOf(status));
  }

  /** Tells the console, as nobody listens. */
  #notice(trouble: string | null): void {
    // Userinfo and query are nobody's business.
    const { protocol, host, pathname } = new URL(this.#context.url);
    if (trouble) this.#context.say(this.#printed, `${protocol}//${host}${pathname} ${trouble}`);
  }

  /** Opens a socket. With `refusal`, the last token was refused for that: without a new one, it ends there. */
  async #dial(refusal: BowlineError | null = null): Promise<void> {
    const { clock } = this.#context;
    const round = ++this.#round;
    this.#stopTimer();
    this.#stopTimer = whenOverdue(clock, handshakeTimeoutMs, () => this.giveUp("no answer in time"));
    this.#set({ state: "connecting", attempt: this.#attempt });
    const token = await this.#askForToken(round);
    if (round !== this.#round) return;
    if (refusal && token === this.#token) return this.close(refusal);
    const isNew = token !== this.#token;
    this.#token = token;
    this.#isRetrial = refusal !== null;
    try {
      this.#context.dials(isNew);
      if (round !== this.#round) return;
      this.#socket = this.#open(round);
    } catch (error) {
      this.#fail(round, error, "no socket could be opened");
    }
  }

  /** Dials at once, but not time and again: until a connection was stable, that counts as a failed attempt. */
  #dialSoon(reason: string, refusal: BowlineError | null = null): void {
    if (this.#isHasty) return this.giveUp(reason, 0, refusal);
    this.#isHasty = true;
    void this.#dial(refusal);
  }

  /** The token for this dial; where none can be had, the dial is over. */
  async #askForToken(round: number): Promise<string | null> {
    try {
      return textOption("token", await this.#context.token(), tokenLengthMax);
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
    return transport.open(url, this.#token ?? null, {
      opened: () => {
        opened = true;
        if (round === this.#round) void this.#sayHello(round);
      },
      received: (text) => {
        if (round === this.#round) this.#receive(text);
      },
      closed: (code, reason, refusal) => {
        if (round !== this.#round) return;
        if (opened) void this.#closed(code, reason);
        else void this.#refused(refusal);
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
    this.#printed.clear();
    this.#watch();
    const isOurs = this.#context.welcomed(frame);
    // Somebody who was told of what that settled may have closed.
    if (!this.#socket) return;
    if (!isOurs) return this.renew("the session was another user's");
    this.#set({ state: "open", degraded: frame.degraded ?? false });
    this.#context.opened();
  }

  async #closed(code: number, reason: string): Promise<void> {
    this.#drop();
    if (code === finalCloseNumbers.SESSION_MISMATCH) {
      this.#context.disowned();
      return this.renew(reason);
    }
    const text = reason || `closed with ${code}`;
    const action = closeAction(code);
    if (action === "reconnect") return this.giveUp(text);
    const error = new BowlineError(closeName(code), text);
    if (action === "token") this.#dialSoon(text, error);
    else this.close(error);
  }

  /** The socket never opened. Where its end did not say why, as in a browser, asks by HTTP. */
  async #refused(told?: Refusal): Promise<void> {
    this.#drop();
    const round = this.#round;
    const refusal = told ?? (await this.#context.transport.ask(this.#context.url, this.#token ?? null));
    if (round !== this.#round) return;
    const { status, code = "", message = unreachable, retryAfterMs }: Partial<Refusal> = refusal ?? {};
    const error = new BowlineError(code, message);
    if (status === 401 && !this.#isRetrial) await this.#dial(error);
    else if (status === 401 || status === 403) this.close(error);
    else this.giveUp(message, retryAfterMs);
  }

  /** Gives the socket up, if there is one, and dials again after a wait. */
  giveUp(reason: string, atLeastMs = 0, refusal: BowlineError | null = null): void {
    const { clock, random } = this.#context;
    this.#drop(clientCloseNumbers.RETURNING);
    const delayMs = atLeastMs + backoffMs(this.#attempt, random);
    this.#attempt += 1;
    // Before the state is told: whoever hears of it may close, and that must end the wait.
    this.#stopTimer = clock.setTimer(delayMs, () => void this.#dial(refusal));
    this.#set({ state: "waiting", attempt: this.#attempt, retryAt: clock.now() + delayMs, reason });
  }

  /** Lets go of the socket, whatever its state; nothing of it is heard any more. */
  #drop(code?: number): void {
    this.#round += 1;
    this.#stopTimer();
    this.#stopWatch();
    this.#stopRecycle();
    this.#isLeaving = false;
    if (this.#openedMs > 0 && this.#context.clock.elapsed() - this.#openedMs >= stableMs) {
      this.#attempt = 0;
      this.#isHasty = false;
    }
    this.#openedMs = 0;
    if (code !== undefined) this.#socket?.close(code, "");
    this.#socket = null;
  }

  /** Looks whether anything was heard lately, when next it could be too long ago. */
  #watch(): void {
    const { clock } = this.#context;
    const limitMs = 2 * this.#heartbeatMs + heartbeatSlackMs;
    const leftMs = this.#receivedMs + limitMs - clock.elapsed();
    if (leftMs <= 0) return this.giveUp("nothing was heard for two heartbeats");
    this.#stopWatch = whenOverdue(clock, leftMs, () => this.#watch());
  }

  /** The network may be back, or may have gone while the machine slept. */
  #wake(): void {
    const { clock } = this.#context;
    if (this.#status.state === "waiting") return void this.#dial();
    if (!this.isOpen) return;
    const askedMs = clock.elapsed();
    this.send('{"type":"ping"}');
    this.#stopTimer();
    this.#stopTimer = whenOverdue(clock, probeMs, () => {
      if (this.#receivedMs < askedMs) this.redial();
    });
  }
}
