import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { systemClock, type Undo } from "../../base/clock.ts";
import { checkOptions, shownValue } from "../../base/options.ts";

/** Options of {@link closeSilent}. */
export interface SilenceOptions {
  /** How long a TCP connection may send nothing from its beginning, in milliseconds; then it is cut. Default 10,000. */
  readonly silentMs?: number;
  /** Most TCP connections that have sent nothing yet; of more, those that were silent the longest are cut. Default 500. */
  readonly silentMax?: number;
}

/**
 * Cuts TCP connections that say nothing. Node's own timeouts begin with the first byte of a request: a connection without
 * one would hold a descriptor for as long as it likes, and is counted nowhere. `serve` does this by itself; call it for
 * an HTTP server of your own, before it listens. Over TLS, a connection has the time twice: until it begins the
 * handshake, and from its end. Throws a `TypeError` for an option that is no number above 0.
 *
 * @example
 * const http = createServer(app);
 * closeSilent(http);
 * await attach(server, http);
 */
export function closeSilent(http: HttpServer | HttpsServer, options: SilenceOptions = {}): void {
  checkOptions("closeSilent", options, { silentMs: 1, silentMax: 1 });
  const { silentMs = 10_000, silentMax = 500 } = options;
  for (const [name, value] of Object.entries<unknown>({ silentMs, silentMax }))
    if (!(typeof value === "number" && value > 0))
      throw new TypeError(`closeSilent: ${name} must be a number above 0, not ${shownValue(value)}`);
  if (typeof (http as Partial<HttpServer> | undefined)?.address !== "function")
    throw new TypeError("closeSilent takes the http.Server, e.g. what app.listen() returns, not the app");
  const watch = new SilenceWatch(silentMs, silentMax);
  http.on("connection", watch.add);
  http.on("secureConnection", watch.add);
}

/** The connections that have sent nothing yet, in the order in which they came. One timer for all. */
class SilenceWatch {
  readonly #silentMs: number;
  readonly #silentMax: number;
  readonly #sinceMs = new Map<Socket, number>();
  readonly #onClose: (this: Socket) => void;
  #stopTimer: Undo | null = null;

  constructor(silentMs: number, silentMax: number) {
    this.#silentMs = silentMs;
    this.#silentMax = silentMax;
    const forget = (socket: Socket): void => this.#forget(socket);
    this.#onClose = function onClose(): void {
      forget(this);
    };
  }

  readonly add = (socket: Socket): void => {
    this.#sinceMs.set(socket, systemClock.elapsed());
    socket.on("close", this.#onClose);
    if (this.#sinceMs.size > this.#silentMax) this.#forgetTalkers();
    for (const silent of this.#sinceMs.keys()) {
      if (this.#sinceMs.size <= this.#silentMax) break;
      this.#cut(silent);
    }
    this.#arm();
  };

  #forgetTalkers(): void {
    for (const socket of this.#sinceMs.keys()) if (socket.bytesRead > 0) this.#forget(socket);
  }

  #cut(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  /** Leaves nothing behind: neither a listener for the life of a connection, nor a timer that holds up the process. */
  #forget(socket: Socket): void {
    this.#sinceMs.delete(socket);
    socket.off("close", this.#onClose);
    if (this.#sinceMs.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  /** Wakes when the time of the first one is over. */
  #arm(): void {
    const [first] = this.#sinceMs.values();
    if (this.#stopTimer || first === undefined) return;
    const delayMs = Math.max(0, first + this.#silentMs - systemClock.elapsed());
    this.#stopTimer = systemClock.setTimer(delayMs, () => {
      this.#stopTimer = null;
      this.#forgetTalkers();
      const untilMs = systemClock.elapsed() - this.#silentMs;
      for (const [socket, sinceMs] of this.#sinceMs) if (sinceMs <= untilMs) this.#cut(socket);
      this.#arm();
    });
  }
}
