import { systemClock, type Clock } from "../base/clock.ts";
import { checkOptions, checkType, shownValue } from "../base/options.ts";
import { pooledRandom } from "../base/pooled-random.ts";
import type { Random } from "../base/random.ts";
import { defaultPath } from "../protocol/frames.ts";
import type { Broker } from "./broker.ts";
import type { Codec } from "./codec.ts";
import type { UserLike } from "./connection.ts";
import type { Authenticate } from "./gate.ts";
import { resolveLimits, type Limits } from "./limits.ts";
import { loggerOf, type Logger } from "./logging/logger.ts";
import { memory } from "./memory-broker.ts";
import type { NodeOptions } from "./node.ts";
import { originRule, type AllowedOrigins } from "./origins.ts";
import type { ErrorInfo } from "./refusal.ts";
import { checkCodecs } from "./wire-formats.ts";

/** Options of `createServer`. */
export interface ServerOptions<User extends UserLike = UserLike> {
  /**
   * Decides in the upgrade handshake who a client is. Return an object with at least an `id`, which others see; an
   * `expiresAt` on it (milliseconds since 1970, where a JWT's `exp` is in seconds) ends the connection then, with code
   * 4401, and one that has passed is a 401. Return null to refuse with
   * HTTP 401; throw a `BowlineError("FORBIDDEN", …)` for a 403. Without this option anybody may connect, and every
   * session is a user of its own, by the session's id: good for trying out.
   */
  readonly authenticate?: Authenticate<User>;
  /** What keeps the rooms' logs and the sessions. Default `memory()`: in this process. */
  readonly broker?: Broker;
  /**
   * Encodings of the wire beside JSON, which every server has as `bowline.v1.json`. Each has a subprotocol of its own; of
   * those that a client offers, the first that the server has is its connection's. Members of one room may have
   * different ones. Default: none.
   *
   * @example
   * createServer(chat, { codecs: [frameCodec({ subprotocol: "chat.v1.msgpack", encode: pack, decode: unpack })] });
   */
  readonly codecs?: readonly Codec[];
  /** Path of the WebSocket endpoint. Default `/bowline`. */
  readonly path?: string;
  /**
   * Whose pages may connect. Default `"same"`: pages of the host that the request was sent to. A list may have it too,
   * and origins of installed apps. Letter case, default ports and the spelling of hosts make no difference.
   *
   * @example
   * createServer(chat, { origins: ["same", "https://app.example", "capacitor://localhost"] });
   * createServer(chat, { origins: (origin) => /^https:\/\/[a-z0-9-]+\.example\.com$/.test(origin) });
   */
  readonly origins?: AllowedOrigins;
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** A silent connection is asked for life after this long, and is dead after twice as long. Default 30,000, at least 1,000. */
  readonly heartbeatMs?: number;
  /**
   * How long a member whose line broke stays present, so that a reconnect shows no flicker. One whose client was closed,
   * or that the server disconnected, is gone at once. Default 10,000.
   */
  readonly presenceGraceMs?: number;
  /** Whether replies, and what handlers and the server publish, are held against their schemas. Default true. */
  readonly checkOutgoing?: boolean;
  /**
   * Told of every error that is no refusal, once: a fault in a hook, handler or schema, and what the broker fails with. It
   * may be async; what it throws or rejects with itself goes to the `logger`. Default: they all do, as errors.
   */
  readonly onError?: (error: unknown, info: ErrorInfo) => void;
  /**
   * Where the server writes a line for what it refuses (upgrades, joins, payloads), for connections that it closes for a
   * fault of the client's, and for outages of the broker: at `warn`, one of each kind in 10 s, with a count of those left
   * out. No line has a token, a cookie, a query, the values of a payload or a URL's password. What the logger throws or
   * rejects with ends nothing. Default: the console; `false` writes nothing.
   *
   * @example
   * createServer(chat, { logger: pino() });
   */
  readonly logger?: Logger | false;
  /** Whether connects, joins, leaves, closes and drains have lines, too, at `debug`. Default false. */
  readonly debug?: boolean;
  /** Where time comes from; for simulations. */
  readonly clock?: Clock;
  /** Where chance comes from; for simulations. */
  readonly random?: Random;
}

const optionNames: { readonly [Name in keyof ServerOptions]-?: 1 } = {
  authenticate: 1,
  broker: 1,
  codecs: 1,
  path: 1,
  origins: 1,
  limits: 1,
  heartbeatMs: 1,
  presenceGraceMs: 1,
  checkOutgoing: 1,
  onError: 1,
  logger: 1,
  debug: 1,
  clock: 1,
  random: 1,
};

const defaultHeartbeatMs = 30_000;
/** Time is looked at once a second. */
const heartbeatMsMin = 1000;
const defaultPresenceGraceMs = 10_000;

/** Options with every default; throws a `TypeError` that names one that does not fit. */
export function resolveOptions(options: ServerOptions): Omit<NodeOptions, "contract" | "handlers"> {
  checkOptions("createServer", options, optionNames);
  checkType("authenticate", options.authenticate, "function");
  checkType("onError", options.onError, "function");
  checkType("checkOutgoing", options.checkOutgoing, "boolean");
  checkType("debug", options.debug, "boolean");
  const random = options.random ?? pooledRandom;
  return {
    broker:
      options.broker === undefined
        ? memory({ random, ...(options.clock && { clock: options.clock }) })
        : checkBroker(options.broker),
    codecs: checkCodecs(options.codecs),
    authenticate: options.authenticate,
    origins: originRule(options.origins ?? "same"),
    path: checkPath(options.path ?? defaultPath),
    limits: resolveLimits(options.limits),
    heartbeatMs: checkHeartbeat(options.heartbeatMs ?? defaultHeartbeatMs),
    presenceGraceMs: checkMs("presenceGraceMs", options.presenceGraceMs ?? defaultPresenceGraceMs),
    checkOutgoing: options.checkOutgoing ?? true,
    clock: options.clock ?? systemClock,
    random,
    onError: options.onError ?? null,
    logger: loggerOf(options.logger),
    debug: options.debug ?? false,
  };
}

function checkBroker(broker: Broker): Broker {
  const { start, append } = (broker ?? {}) as Partial<Broker>;
  if (typeof start === "function" && typeof append === "function") return broker;
  throw new TypeError(
    `broker must be made with memory(), sqlite(), redis() or nats(), or be left out; it is ${shownValue(broker)}`,
  );
}

function checkMs(option: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0))
    throw new TypeError(`${option} must be finite milliseconds above 0, not ${shownValue(value)}`);
  return value;
}

function checkHeartbeat(value: number): number {
  if (checkMs("heartbeatMs", value) >= heartbeatMsMin) return value;
  throw new TypeError(`heartbeatMs must be at least ${heartbeatMsMin}, not ${value}`);
}

function checkPath(path: string): string {
  if (typeof path !== "string" || !/^\/[^?#\s]*$/.test(path))
    throw new TypeError(`path must start with "/" and have no query, not ${shownValue(path)}`);
  // What a URL spells otherwise would never be asked for.
  const { pathname } = new URL(`http://localhost${path}`);
  if (pathname !== path)
    throw new TypeError(`path must be written as in a URL: "${pathname}", not "${path}"`);
  return path;
}
