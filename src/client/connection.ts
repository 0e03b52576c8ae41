import { closeText, noteStatus, reasonOf } from "#client/help";
import { attempt } from "../base/awaitable.ts";
import { backoffMs } from "../base/backoff.ts";
import type { Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import { Emitter } from "../base/emitter.ts";
import { clientCloseNumbers, closeName, isFinal } from "../protocol/codes.ts";
import { decodeServerFrame } from "../protocol/decode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { handshakeTimeoutMs, heartbeatSlackMs, probeMs, stableMs } from "./connection-times.ts";
import type { Refusal, TransportListener, TransportSocket } from "./socket.ts";
import type { Status } from "./status.ts";
import { textOption, tokenBytesMax } from "./text-option.ts";

/** Keeps one connection open: dials, waits, dials again. What a former socket still says is not heard. */
export class Connection {
  readonly statuses: Emitter<Status>;
  status: Status = { state: "closed", error: null };
  readonly #context: ConnectionContext;
  /** A transport of somebody's own may have given anything. */
  #socket: Partial<TransportSocket> | null = null;
  /** Counts what has ended: sockets, and waits. */
  #round = 0;
  /** How many attempts have failed since a connection was last stable. */
  #attempt = 0;
  /** Whether it was dialled again without a wait since then. */
  #isHasty = false;
  #openedMs = Infinity;
  #heardMs = 0;
  #silenceMs = 0;
  /** That of the last attempt; undefined before there was one. */
  #token: string | null | undefined;
  /** Whether that token was asked for because the one before it was refused. */
  #isRetrial = false;
  /** Of the one thing that is waited for: a socket, a welcome, the next attempt, a sign of life. */
  #stopTimer: Undo = () => {};
  #stopRecycle: Undo = () => {};
  #stopWake: Undo = () => {};
  /** Whether the server is about to be left: no calls are to be sent to it. */
  isLeaving = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
    this.statuses = new Emitter(context.report);
  }

  get isOpen(): boolean {
    return this.status.state === "open";
  }

  /** Starts connecting; does nothing where that is under way. */
  connect(): void {
    if (this.status.state !== "closed") return;
    this.#try(() => (this.#stopWake = this.#context.transport.onWake(() => this.#wake())));
    this.#startOver();
    this.#token = undefined;
    this.#dial();
  }

  /** Ends it on purpose, or for `error`. */
  close(error: BowlineError | null = null): void {
    this.#drop(clientCloseNumbers.NORMAL);
    this.#try(() => this.#stopWake());
    this.#stopWake = () => {};
    this.#set({ state: "closed", error });
  }

  send(text: string): void {
    this.#try(() => this.#socket?.send?.(text), reasonOf("SENDING_FAILED"));
  }

  /** Gives the socket or the wait up and dials at once. */
  redial(): void {
    this.#drop(clientCloseNumbers.RETURNING);
    this.#dial();
  }

  /** Another session has to be opened: ends the present one for good, and dials. */
  renew(reason: string): void {
    if (!this.isOpen && this.status.state !== "connecting") return;
    this.#drop(clientCloseNumbers.NORMAL);
    this.#dialSoon(reason);
  }

  /** A call was answered. A server that goes away is left after its last answer: it may never be back to give it. */
  answered(): void {
    if (this.isLeaving && !this.#context.calls.awaitsAnswers) this.redial();
  }

  /** Gives the socket up, if there is one, and dials again after a wait. */
  giveUp(reason: string, atLeastMs = 0, refusal: BowlineError | null = null): void {
    const { clock, random } = this.#context;
    this.#drop(clientCloseNumbers.RETURNING);
    const delayMs = atLeastMs + backoffMs(this.#attempt++, random);
    // Before the state is told: whoever hears of it may close, and that must end the wait.
    this.#after(delayMs, () => this.#dial(refusal));
    this.#set({ state: "waiting", attempt: this.#attempt, retryAt: clock.now() + delayMs, reason });
  }

  /** The one place where the state changes. */
  #set(status: Status): void {
    this.status = status;
    if (status.state === "closed") this.#context.ended(status.error);
    else if (!this.isOpen) this.#context.lost();
    // Who heard of that may have connected or closed, which was told then.
    if (this.status !== status) return;
    noteStatus(this.#context, status, this.statuses.isHeard);
    this.statuses.emit(status);
  }

  /** Opens a socket. With `refusal`, the last token was refused for that: without a new one, it ends there. */
  #dial(refusal: BowlineError | null = null): void {
    const { identity, tokenSource } = this.#context;
    const { nextRef } = identity;
    this.#limit(true);
    const dial = this.#current((given: unknown) => {
      const token = textOption("token", given, tokenBytesMax);
      if (token !== this.#token) identity.hasNewToken(nextRef);
      else if (refusal) return this.close(refusal);
      this.#token = token;
      this.#isRetrial = refusal !== null;
      this.#open(token);
    });
    const ask = this.#current(() => this.#try(async () => dial(await tokenSource()), reasonOf("NO_TOKEN")));
    this.#set({ state: "connecting", attempt: this.#attempt });
    ask();
  }

  /** Dials at once, but not time and again: until a connection was stable, that counts as a failed attempt. */
  #dialSoon(reason: string, refusal: BowlineError | null = null): void {
    if (this.#isHasty) return this.giveUp(reason, 0, refusal);
    this.#isHasty = true;
    this.#dial(refusal);
  }

  #open(token: string | null): void {
    const { transport, url } = this.#context;
    let hasOpened = false;
    const listener: TransportListener = {
      opened: this.#current(() => {
        hasOpened = true;
        const hello = this.#current((text: string) => this.send(text));
        this.#try(async () => hello(await this.#context.hello()), reasonOf("STORE_FAILED"));
      }),
      received: this.#current((text) => this.#receive(text)),
      closed: this.#current((code, reason, refusal) => {
        this.#drop();
        return hasOpened ? this.#closed(code, reason) : this.#explain(refusal);
      }),
    };
    this.#try(() => (this.#socket = transport.open(url, token, listener)), reasonOf("NO_SOCKET"));
  }

  #receive(text: string): void {
    this.#heardMs = this.#context.clock.elapsed();
    let frame: ServerFrame | null = null;
    try {
      frame = decodeServerFrame(text);
      this.#handle(frame);
    } catch (error) {
      this.#context.report(error);
      // A fault in handling one is this client's: the server would do no better another time.
      if (!frame) this.giveUp(reasonOf("BAD_FRAME"));
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
          this.isLeaving = true;
          this.answered();
        });
        return undefined;
      case "degraded":
        if (this.isOpen) this.#set({ state: "open", degraded: frame.active });
        return;
      default:
        return this.#context.received(frame);
    }
  }

  #welcome(frame: WelcomeFrame): void {
    this.#openedMs = this.#heardMs;
    this.#silenceMs = 2 * frame.heartbeatMs + heartbeatSlackMs;
    this.#watch();
    if (!this.#context.welcomed(frame)) return this.renew(reasonOf("SESSION_MISMATCH"));
    // Somebody who was told of what that settled may have closed.
    if (!this.#socket) return;
    this.#set({ state: "open", degraded: frame.degraded ?? false });
    this.#context.opened();
  }

  #closed(code: number, reason: string): void {
    const name = closeName(code);
    if (name === "SESSION_MISMATCH") {
      this.#context.identity.leave();
      return this.renew(reason);
    }
    const text = reason || closeText(code, name);
    if (!isFinal(code)) return this.giveUp(text);
    const error = new BowlineError(name, text);
    return name === "TOKEN_EXPIRED" ? this.#dialSoon(text, error) : this.close(error);
  }

  /** The socket never opened. Where its end did not say why, as in a browser, asks by HTTP. */
  #explain(told?: Refusal): void {
    const { transport, url } = this.#context;
    const unreachable = reasonOf("UNREACHABLE");
    this.#limit();
    const explained = this.#current((refusal: Partial<Refusal> | null) => {
      const { status, code = "", message = unreachable, retryAfterMs } = refusal ?? {};
      const error = new BowlineError(code, message);
      if (status === 401 && !this.#isRetrial) this.#dial(error);
      else if (status === 401 || status === 403) this.close(error);
      else this.giveUp(message, retryAfterMs);
    });
    const ask = (): Promise<Refusal | null> => transport.ask(url, this.#token ?? null);
    this.#try(async () => explained(told ?? (await ask())), unreachable);
  }

  /** Lets go of the socket, whatever its state; nothing of it is heard any more. */
  #drop(code?: number): void {
    this.#round += 1;
    this.#stopTimer();
    this.#stopRecycle();
    this.isLeaving = false;
    if (this.#context.clock.elapsed() - this.#openedMs >= stableMs) this.#startOver();
    this.#openedMs = Infinity;
    if (code) this.#try(() => this.#socket?.close?.(code, ""));
    this.#socket = null;
  }

  #startOver(): void {
    this.#attempt = 0;
    this.#isHasty = false;
  }

  /** The network may be back, or may have gone while the machine slept. */
  #wake(): void {
    if (this.status.state === "waiting") return this.#dial();
    if (!this.isOpen) return;
    const askedMs = this.#context.clock.elapsed();
    // Before it is sent: where that fails, another wait takes its place.
    this.#after(probeMs, () => (this.#heardMs < askedMs ? this.redial() : this.#watch()));
    this.send('{"type":"ping"}');
  }

  /** Looks whether anything was heard lately, when next it could be too long ago. */
  #watch(): void {
    const leftMs = this.#heardMs + this.#silenceMs - this.#context.clock.elapsed();
    if (leftMs <= 0) return this.giveUp(reasonOf("HEARTBEAT_LOST"));
    this.#after(leftMs, () => this.#watch());
  }

  /** Ends a dial that takes too long. One that came to no socket for want of a token is reported. */
  #limit(needsToken = false): void {
    this.#after(handshakeTimeoutMs, () => {
      if (needsToken && !this.#socket) this.#context.report(new Error(reasonOf("TOKEN_TIMEOUT")));
      this.giveUp(reasonOf("TIMEOUT"));
    });
  }

  #after(delayMs: number, task: () => void): void {
    this.#stopTimer();
    this.#stopTimer = whenOverdue(this.#context.clock, delayMs, task);
  }

  /** The same, but nothing once the socket or the wait of now is over. */
  #current<Of extends unknown[]>(task: (...of: Of) => void): (...of: Of) => void {
    const round = this.#round;
    return (...of) => {
      if (round === this.#round) task(...of);
    };
  }

  /** Does what may break. That is reported, and with a `reason` the present socket is given up for it. */
  #try(task: () => unknown, reason?: string): void {
    const fail = this.#current(() => reason && this.giveUp(reason));
    attempt(task, (error) => {
      this.#context.report(error);
      fail();
    });
  }
}
