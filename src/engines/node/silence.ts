import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { backgroundTimer, systemClock } from "../../base/clock.ts";
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

/** A connection, and when it came. */
interface Arrival {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/**
 * The connections that may have sent nothing yet, in the order in which they came. A connection costs one entry here:
 * those that have spoken or ended are found out when the timer wakes, or when there are too many to keep.
 */
class SilenceWatch {
  readonly #silentMs: number;
  readonly #silentMax: number;
  #arrivals: Arrival[] = [];
  #isArmed = false;

  constructor(silentMs: number, silentMax: number) {
    this.#silentMs = silentMs;
    this.#silentMax = silentMax;
  }

  readonly add = (socket: Socket): void => {
    this.#arrivals.push({ socket, sinceMs: systemClock.elapsed() });
    if (this.#arrivals.length > this.#silentMax) this.#cutExcess();
    this.#arm();
  };

  #forgetTalkers(): void {
    this.#arrivals = this.#arrivals.filter(({ socket }) => socket.bytesRead === 0 && !socket.destroyed);
  }

  /** Those that were silent the longest go. */
  #cutExcess(): void {
    this.#forgetTalkers();
    const excess = this.#arrivals.splice(0, this.#arrivals.length - this.#silentMax);
    for (const { socket } of excess) socket.destroy();
  }

  #cutOverdue(): void {
    this.#forgetTalkers();
    const untilMs = systemClock.elapsed() - this.#silentMs;
    while (this.#arrivals[0] && this.#arrivals[0].sinceMs <= untilMs)
      this.#arrivals.shift()?.socket.destroy();
  }

  readonly #wake = (): void => {
    this.#isArmed = false;
    this.#cutOverdue();
    this.#arm();
  };

  /** Wakes when the time of the first one is over. The timer does not keep the process up. */
  #arm(): void {
    const [first] = this.#arrivals;
    if (this.#isArmed || !first) return;
    this.#isArmed = true;
    const delayMs = Math.max(0, first.sinceMs + this.#silentMs - systemClock.elapsed());
    // A process that was held up reads what came meanwhile before it judges.
    backgroundTimer(delayMs, () => systemClock.defer(this.#wake));
  }
}
