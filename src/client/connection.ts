import { textOf } from "#client/help";
import { attempt } from "../base/awaitable.ts";
import type { Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import { Emitter } from "../base/emitter.ts";
import { clientCloseNumbers, closeAction, closeName, finalCloseNumbers } from "../protocol/codes.ts";
import { decodeServerFrame } from "../protocol/decode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { askWhy, type Refusal, type TransportSocket } from "./socket.ts";
import { Liveness } from "./liveness.ts";
import { Pace } from "./pace.ts";
import { troubleOf, type Status } from "./status.ts";
import { textOption, tokenLengthMax } from "./text-option.ts";

const handshakeTimeoutMs = 15_000;
/** How long a connection that may be dead after a sleep has to prove that it is not. */
const probeMs = 5000;

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
  /** A transport of somebody's own may have given anything. */
  #socket: Partial<TransportSocket> | null = null;
  /** Counts dials: an answer that belongs to an earlier one is thrown away. */
  #round = 0;
  readonly #pace = new Pace();
  readonly #liveness: Liveness;
  /** That of the last attempt; undefined before there was one. */
  #token: string | null | undefined;
  /** Whether that token was asked for because the one before it was refused. */
  #isRetrial = false;
  #stopTimer: Undo = () => {};
  #stopRecycle: Undo = () => {};
  #stopWake: Undo | null = null;
  #isLeaving = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
    this.#liveness = new Liveness(context.clock, () => this.giveUp("nothing was heard for two heartbeats"));
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
    this.#try(() => (this.#stopWake ??= this.#context.transport.onWake(() => this.#wake())));
    this.#pace.reset();
    this.#token = undefined;
    this.#dial();
  }

  /** Ends it on purpose, or for `error`. */
  close(error: BowlineError | null = null): void {
    this.#drop(clientCloseNumbers.NORMAL);
    this.#try(() => this.#stopWake?.());
    this.#stopWake = null;
    this.#set({ state: "closed", error });
  }

  send(text: string): void {
    this.#try(() => this.#socket?.send?.(text), "sending failed");
  }

  /** Gives the socket or the wait up and dials at once. */
  redial(): void {
    this.#drop(clientCloseNumbers.RETURNING);
    this.#dial();
  }

  /** Another session has to be opened: ends the present one for good, and dials. */
  renew(reason: string): void {
    if (!this.isOpen && this.#status.state !== "connecting") return;
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
    if (this.statuses.isHeard) return this.statuses.emit(status);
    const trouble = troubleOf(status, this.#context.url);
    if (trouble) this.#context.say(this.#printed, trouble);
  }

  /** Opens a socket. With `refusal`, the last token was refused for that: without a new one, it ends there. */
  #dial(refusal: BowlineError | null = null): void {
    const round = ++this.#round;
    this.#stopTimer();
    this.#limit("the token source gave no token in time");
    this.#set({ state: "connecting", attempt: this.#pace.attempt });
    this.#try(async () => {
      const token = textOption("token", await this.#context.token(), tokenLengthMax);
      if (round !== this.#round) return;
      if (refusal && token === this.#token) return this.close(refusal);
      const isNew = token !== this.#token;
      this.#token = token;
      this.#isRetrial = refusal !== null;
      this.#try(() => {
        this.#context.dials(isNew);
        return round === this.#round && (this.#socket = this.#open(round));
      }, "no socket");
    }, "no token");
  }

  /** Dials at once, but not time and again: until a connection was stable, that counts as a failed attempt. */
  #dialSoon(reason: string, refusal: BowlineError | null = null): void {
    if (this.#pace.takeHaste()) this.#dial(refusal);
    else this.giveUp(reason, 0, refusal);
  }

  /** Does what may break: reports it then, and with a `reason` ends the dial it was for. */
  #try(task: () => unknown, reason?: string): void {
    const round = this.#round;
    attempt(task, (error) => {
      this.#context.report(error);
      if (reason && round === this.#round) this.giveUp(reason);
    });
  }

  #open(round: number): TransportSocket {
    const { transport, url } = this.#context;
    let opened = false;
    return transport.open(url, this.#token ?? null, {
      opened: () => {
        opened = true;
        if (round === this.#round) this.#sayHello(round);
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

  #sayHello(round: number): void {
    this.#try(async () => {
      const hello = await this.#context.hello();
      if (round === this.#round) this.send(hello);
    }, "the store failed");
  }

  #receive(text: string): void {
    this.#liveness.hear();
    let frame: ServerFrame | null = null;
    try {
      frame = decodeServerFrame(text);
      this.#handle(frame);
    } catch (error) {
      this.#context.report(error);
      // A fault in handling one is this client's: the server would do no better another time.
      if (!frame) this.giveUp("no frame");
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
    this.#pace.opened(this.#liveness.heardMs);
    this.#printed.clear();
    this.#liveness.watch(frame.heartbeatMs);
    if (!this.#context.welcomed(frame)) return this.renew("another user");
    // Somebody who was told of what that settled may have closed.
    if (!this.#socket) return;
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
    this.#limit();
    const round = this.#round;
    const refusal = told ?? (await askWhy(this.#context, this.#token ?? null));
    if (round !== this.#round) return;
    const {
      status,
      code = "",
      message = textOf("UNREACHABLE"),
      retryAfterMs,
    }: Partial<Refusal> = refusal ?? {};
    const error = new BowlineError(code, message);
    if (status === 401 && !this.#isRetrial) this.#dial(error);
    else if (status === 401 || status === 403) this.close(error);
    else this.giveUp(message, retryAfterMs);
  }

  /** Ends a dial that takes too long. `fault` is reported of one that came to no socket. */
  #limit(fault?: string): void {
    this.#stopTimer = whenOverdue(this.#context.clock, handshakeTimeoutMs, () => {
      if (fault && !this.#socket) this.#context.report(new Error(fault));
      this.giveUp("no answer in time");
    });
  }

  /** Gives the socket up, if there is one, and dials again after a wait. */
  giveUp(reason: string, atLeastMs = 0, refusal: BowlineError | null = null): void {
    const { clock, random } = this.#context;
    this.#drop(clientCloseNumbers.RETURNING);
    const delayMs = atLeastMs + this.#pace.failed(random);
    // Before the state is told: whoever hears of it may close, and that must end the wait.
    this.#stopTimer = clock.setTimer(delayMs, () => this.#dial(refusal));
    this.#set({ state: "waiting", attempt: this.#pace.attempt, retryAt: clock.now() + delayMs, reason });
  }

  /** Lets go of the socket, whatever its state; nothing of it is heard any more. */
  #drop(code?: number): void {
    this.#round += 1;
    this.#stopTimer();
    this.#liveness.stop();
    this.#stopRecycle();
    this.#isLeaving = false;
    this.#pace.ended(this.#context.clock.elapsed());
    if (code !== undefined) this.#try(() => this.#socket?.close?.(code, ""));
    this.#socket = null;
  }

  /** The network may be back, or may have gone while the machine slept. */
  #wake(): void {
    if (this.#status.state === "waiting") return this.#dial();
    if (!this.isOpen) return;
    this.#stopTimer();
    // Before it is sent: where that fails, another wait takes its place.
    this.#stopTimer = this.#liveness.expect(probeMs, () => this.redial());
    this.send('{"type":"ping"}');
  }
}
