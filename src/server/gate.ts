import { isPromised } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { Countdown } from "../base/countdown.ts";
import { within } from "../base/deadline.ts";
import { fits } from "../base/utf8.ts";
import { inboxRoom, type Contract } from "../contract/contract.ts";
import { closeCodes, errorCodes, type ErrorName } from "../protocol/codes.ts";
import type { UserLike } from "./connection.ts";
import { cookiesOf, protocols, single, tokenOf } from "./credentials.ts";
import type { Admitted, Refused, UpgradeRequest } from "./engine.ts";
import type { Logging } from "./logging/logging.ts";
import type { OriginRule } from "./origins.ts";
import { isRefusal, type Report } from "./refusal.ts";
import type { WireFormats } from "./wire-formats.ts";

/** What `authenticate` is given of an upgrade request. */
export interface AuthRequest extends UpgradeRequest {
  /**
   * From `Authorization: Bearer …`, or from the subprotocol entry that browsers send it in. Undefined where there is none,
   * or an empty one; never an empty text.
   */
  readonly token: string | undefined;
  /** By name, percent-decoded. */
  readonly cookies: ReadonlyMap<string, string>;
}

/** Decides who somebody is; null refuses with HTTP 401. */
export type Authenticate<User> = (request: AuthRequest) => User | null | Promise<User | null>;

/** What {@link Doorkeeper} needs of the node. */
export interface DoorkeeperOptions {
  readonly contract: Contract;
  readonly authenticate: Authenticate<UserLike> | undefined;
  readonly origins: OriginRule;
  readonly formats: WireFormats;
  readonly connectionsMax: number;
  /** How long `authenticate` may take. */
  readonly handshakeMs: number;
  readonly clock: Clock;
  readonly logging: Logging;
  readonly report: Report;
}

/** Longest user id, in bytes of UTF-8. */
const userIdBytesMax = 256;
/** In September 2001: a moment in seconds is below it. */
const expiresAtMin = 1e12;
/** How much of an origin is told back. A host name has no more. */
const originLengthShown = 300;

/** Decides about upgrades: whether there is room, whether the page may connect, and who it is. */
export class Doorkeeper {
  /** Set when the server drains: seconds after which a refused client may ask again. */
  closedForSeconds: number | null = null;
  readonly #options: DoorkeeperOptions;
  readonly #places = new Countdown();

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
  }

  /** Places taken: open connections, and upgrades that were admitted. */
  get places(): number {
    return this.#places.count;
  }

  giveUp(): void {
    this.#places.done();
  }

  /** Settles when no place is taken. */
  empty(): Promise<void> {
    return this.#places.zero();
  }

  #originRefusal(request: UpgradeRequest): Refused | null {
    const origin = single(request.headers["origin"]);
    // Only browsers send one, and only for them it says anything: others may send what they like.
    if (origin === undefined || this.#options.origins(origin, request)) return null;
    const shown = JSON.stringify(origin.slice(0, originLengthShown));
    const text = `origin ${shown} is not allowed: add it to the server's option "origins"`;
    return refused(403, "FORBIDDEN", undefined, text);
  }

  /** Refuses whose page may not connect; an error of the application's own rule stops no client for good. */
  #judgeOrigin(request: UpgradeRequest): Refused | null {
    try {
      return this.#originRefusal(request);
    } catch (error) {
      this.#options.report(error, "authenticate");
      return failed;
    }
  }

  async admit(request: UpgradeRequest, { holds }: { readonly holds: boolean }): Promise<Admitted | Refused> {
    const subprotocol = this.#options.formats.choose(protocols(request));
    const turnedAway = this.#turnAway(request, holds, subprotocol);
    if (turnedAway) return holds ? this.#tell(turnedAway, request) : turnedAway;
    // Taken before anything is awaited: any number may be asking at the same time.
    if (holds) this.#places.add();
    const admission = await this.#identify(request, subprotocol ?? "");
    // Whoever came in now would be told of no drain.
    const answer = admission.ok && this.closedForSeconds !== null ? this.#draining() : admission;
    if (!holds || answer.ok) return answer;
    this.giveUp();
    return this.#tell(answer, request);
  }

  /** Refuses whom nobody has to be asked about. */
  #turnAway(request: UpgradeRequest, holds: boolean, subprotocol: string | null): Refused | null {
    if (this.closedForSeconds !== null) return this.#draining();
    const refusedOrigin = this.#judgeOrigin(request);
    if (refusedOrigin) return refusedOrigin;
    if (holds && subprotocol === null) return refused(400, "UPGRADE_REQUIRED", undefined, this.#offer());
    const isFull = this.#places.count >= this.#options.connectionsMax;
    return isFull ? refused(503, "TOO_MANY_CONNECTIONS", 5) : null;
  }

  /** Logs a refused upgrade. The question why, which follows it, is told the same, and a fault was reported. */
  #tell(answer: Refused, request: UpgradeRequest): Refused {
    if (answer !== failed && answer !== late) this.#options.logging.refusedUpgrade(answer, request);
    return answer;
  }

  #offer(): string {
    return `offer the subprotocol ${this.#options.formats.subprotocols.join(" or ")}`;
  }

  #draining(): Refused {
    return refused(503, "DRAINING", this.closedForSeconds ?? undefined);
  }

  async #identify(request: UpgradeRequest, subprotocol: string): Promise<Admitted | Refused> {
    const { authenticate, report, clock, handshakeMs } = this.#options;
    if (!authenticate) return { ok: true, user: null, userId: "", expiresAt: null, subprotocol };
    let isLate = false;
    const tookTooLong = (): Error => {
      isLate = true;
      return new Error(`authenticate took longer than ${handshakeMs} ms (limits.handshakeMs)`);
    };
    try {
      const asked = authenticate({ ...request, token: tokenOf(request), cookies: cookiesOf(request) });
      // An answer that never comes must not hold its place for ever.
      const user = isPromised(asked)
        ? await within(clock, handshakeMs, Promise.resolve(asked), tookTooLong)
        : asked;
      if (user === null || user === undefined) return refused(401, "UNAUTHORIZED");
      // Read once: what it says another time counts for nothing.
      const userId = checkedId(user, this.#options.contract);
      const expiresAt = expiryOf(user);
      // Here, not a moment later: until a connection is looked at, what it sends is carried out.
      if (expiresAt !== null && expiresAt <= clock.now())
        return refused(401, "UNAUTHORIZED", undefined, closeCodes.TOKEN_EXPIRED.text);
      return { ok: true, user, userId, expiresAt, subprotocol };
    } catch (error) {
      if (isRefusal(error))
        return refused(statusOf(error.code), String(error.code), undefined, String(error.message));
      report(error, "authenticate");
      return isLate ? late : failed;
    }
  }
}

/** What a fault of the application's own ends in; it was reported. */
const failed: Refused = refused(500, "INTERNAL");
const late: Refused = refused(503, "UNAVAILABLE", 1, "who you are took too long to tell");

function refused(status: number, code: string, retryAfterSeconds?: number, message?: string): Refused {
  const text = message ?? (Object.hasOwn(errorCodes, code) ? errorCodes[code as ErrorName].text : code);
  return {
    ok: false,
    status,
    code,
    message: text,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function statusOf(code: string): number {
  if (code === "FORBIDDEN") return 403;
  return code === "UNAVAILABLE" ? 503 : 401;
}

function checkedId({ id }: UserLike, { hasInbox }: Contract): string {
  if (typeof id !== "string" || id === "" || !fits(id, userIdBytesMax) || !id.isWellFormed())
    throw new TypeError(
      `authenticate must return an object with an id of 1 to ${userIdBytesMax} bytes in UTF-8, without lone surrogates`,
    );
  // Throws for one that has none.
  if (hasInbox) inboxRoom(id);
  return id;
}

function expiryOf(user: UserLike): number | null {
  const { expiresAt } = user as { expiresAt?: unknown };
  if (expiresAt === undefined || expiresAt === null) return null;
  if (typeof expiresAt === "number" && Number.isFinite(expiresAt) && expiresAt > expiresAtMin)
    return expiresAt;
  const given = typeof expiresAt === "number" ? String(expiresAt) : typeof expiresAt;
  throw new TypeError(
    `authenticate: expiresAt must be milliseconds since 1970, after 2001; a JWT's exp is in seconds: times 1000. It is ${given}`,
  );
}
