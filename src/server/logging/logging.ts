import { attempt } from "../../base/awaitable.ts";
import type { Clock } from "../../base/clock.ts";
import type { Contract } from "../../contract/contract.ts";
import { closeCodes, errorCodes, type CloseName } from "../../protocol/codes.ts";
import type { BowlineError } from "../../protocol/errors.ts";
import { cookiesOf, queryOf, single, tokenOf } from "../credentials.ts";
import type { Refused, UpgradeRequest } from "../engine.ts";
import type { SettingDifference } from "../cluster-settings.ts";
import { LineLimit } from "./line-limit.ts";
import { headOf, quoted, shown, shownError, valuesOf, without } from "./line-text.ts";
import { consoleLogger, type Logger } from "./logger.ts";

/** What {@link Logging} needs of the node. */
export interface LoggingOptions {
  /** Null: nothing is written. */
  readonly logger: Logger | null;
  readonly debug: boolean;
  readonly clock: Clock;
  readonly contract: Contract;
  /** The node's id. */
  readonly node: string;
}

/** Whose connection a line is about. */
export interface Caller {
  /** Empty where it is not known. */
  readonly userId: string;
  readonly session: string;
}

/** A call that was refused, or what is known of it. The payload is only looked at to keep it out of the line. */
export interface RefusedCall {
  readonly kind: "join" | "leave" | "presence" | "publish" | "signal" | "request" | "call";
  readonly room?: string | undefined;
  readonly event?: string | undefined;
  readonly request?: string | undefined;
  readonly payload?: unknown;
}

/** Where a fault came up. */
export interface FaultPlace {
  readonly stage: string;
  readonly room?: string;
  readonly event?: string;
  readonly request?: string;
}

type Fields = Readonly<Record<string, unknown>>;
type Level = "debug" | "warn" | "error";

/** Outcomes that outages and hung handlers bring about by the dozen, and which have lines of their own. */
const quietErrors: ReadonlySet<string> = new Set(["UNAVAILABLE", "UNCERTAIN"]);

/** Closes that are worth a line, with what there is to do; the others belong to a day's work. */
const tellingCloses: Partial<Record<CloseName, string>> = {
  TOO_BIG: "see limits.payloadBytes",
  BAD_FRAME: "",
  SESSION_MISMATCH: "its secret came with another user's token",
  MESSAGE_TIMEOUT: "see limits.messageMs",
  HANDSHAKE_TIMEOUT: "see limits.handshakeMs",
  SESSION_LOST: "",
  SLOW_CONSUMER: "see limits.outboxBytes",
  RATE_LIMITED: "see limits.framesPerSecond and limits.bytesPerSecond",
};

/**
 * Writes what a server refuses, ends and misses to the application's logger. Nothing of what it does can fail; lines about
 * the same kind of refusal are limited. No line has a token, a cookie, a query, a payload's values or a URL's password.
 */
export class Logging {
  /** Whether debug lines are written: asked before one is made. */
  readonly isDebug: boolean;
  readonly #options: LoggingOptions;
  readonly #limit: LineLimit;
  #hasFailed = false;

  constructor(options: LoggingOptions) {
    this.#options = options;
    this.isDebug = options.debug && options.logger !== null;
    this.#limit = new LineLimit(options.clock);
  }

  /** An upgrade was refused. One that came while the server drains is no news. */
  refusedUpgrade({ status, code, message }: Refused, request: UpgradeRequest): void {
    const origin = single(request.headers["origin"]);
    const path = request.url.replace(/[?#].*/s, "");
    const isNews = code !== "DRAINING";
    const place = status === 403 ? (origin ?? "") : status === 404 ? path : "";
    const leftOut = this.#take(isNews, `upgrade ${status} ${code}`, place);
    if (leftOut === null) return;
    const why = without(message, secretsOf(request));
    this.#write(
      isNews ? "warn" : "debug",
      { code, status, origin, path, address: request.address },
      `refused an upgrade (${status} ${code}): ${why}${more(leftOut)}`,
    );
  }

  /** A call was refused: by the server, or with a code of the table. Codes of the application's own are its business. */
  refusedCall(call: RefusedCall, error: BowlineError, { userId, session }: Caller): void {
    if (!this.#options.logger) return;
    const { kind, room, event, request } = call;
    const code = String(error.code);
    const pattern = room === undefined ? undefined : this.#options.contract.matchRoom(room)?.pattern;
    const isNews = !quietErrors.has(code) && (kind === "join" || Object.hasOwn(errorCodes, code));
    const place = `${pattern ?? ""} ${event ?? request ?? ""}`;
    const leftOut = this.#take(isNews, `${kind} ${code}`, place);
    if (leftOut === null) return;
    const { why, issue } = reasonOf(error, code, call.payload);
    const who = userId ? ` of user ${quoted(userId)}` : "";
    this.#write(
      isNews ? "warn" : "debug",
      { code, kind, room, pattern, event, request, user: userId || undefined, session, issue },
      `refused a ${kind}${placeOf(call)}${who} (${code}): ${why}${more(leftOut)}`,
    );
  }

  /** The server closes a connection. Said where the cause is a fault, or a limit. */
  closed(name: CloseName, reason: string | undefined, { userId, session }: Caller): void {
    const remedy = tellingCloses[name];
    if (remedy === undefined) return;
    const leftOut = this.#take(true, name, "");
    if (leftOut === null) return;
    const { code: close, text } = closeCodes[name];
    const who = userId ? ` of user ${quoted(userId)}` : "";
    const why = [text, reason, remedy].filter(Boolean).join(": ");
    this.#write(
      "warn",
      { code: name, close, reason, user: userId || undefined, session: session || undefined },
      `closed a connection${who} (${close} ${name}): ${why}${more(leftOut)}`,
    );
  }

  /** The broker is out of reach, or (null) is back. Call it once for each. */
  outage(reason: Error | null): void {
    if (!reason) return this.#write("warn", {}, "the broker is back");
    const err = shownError(reason);
    this.#write("warn", { err }, `the broker can't be reached, clients wait for it: ${headOf(err)}`);
  }

  /** The other nodes of the cluster were started with other settings: each is a line, once. */
  settingsDiffer(differences: readonly SettingDifference[]): void {
    for (const { name, own, others } of differences) {
      const theirs = others.map(({ value, node }) => `${quoted(value)} on node ${quoted(node)}`).join(", ");
      this.#write(
        "warn",
        { setting: name, own, others },
        `the setting ${quoted(name)} is ${quoted(own)} here and ${theirs}: give all nodes the same`,
      );
    }
  }

  /** A client has another contract. What differs, its own console says: here only its hash is known. */
  clientContract(hash: string, own: string, { userId, session }: Caller): void {
    const who = userId ? ` of user ${quoted(userId)}` : "";
    this.#write(
      "warn",
      { contract: own, theirs: hash, user: userId || undefined, session },
      `a client${who} has another contract (${quoted(hash)}, here ${quoted(own)}): its console says what differs`,
    );
  }

  /** A node of the cluster has another contract: what differs. */
  nodeContract(other: string, differences: readonly string[]): void {
    const what = differences.join("; ");
    this.#write(
      "warn",
      { other, differences },
      `node ${quoted(other)} has another contract than this one: ${what}. Start all nodes with the same`,
    );
  }

  /** A fault of the application's or the broker's. */
  fault(error: unknown, { stage, room, event, request }: FaultPlace): void {
    const err = shownError(error);
    const place = placeOf({ room, event, request });
    this.#write("error", { stage, room, event, request, err }, `${stage} failed${place}: ${headOf(err)}`);
  }

  /** `onError` failed at telling of a fault. */
  onErrorFailed(error: unknown): void {
    const err = shownError(error);
    this.#write("error", { stage: "onError", err }, `onError failed: ${headOf(err)}`);
  }

  /** What happens every day. Ask {@link isDebug} first. */
  debug(what: string, { userId, session }: Partial<Caller>, fields: Fields = {}): void {
    const who = userId ? `user ${quoted(userId)} ` : "";
    this.#write(
      "debug",
      { ...fields, user: userId || undefined, session: session || undefined },
      `${who}${what}`,
    );
  }

  /** How many of its kind were left out before a line; null where there is none to write. Debug lines are not limited. */
  #take(isNews: boolean, code: string, place: string): number | null {
    if (!this.#options.logger) return null;
    if (isNews) return this.#limit.take(code, place);
    return this.isDebug ? 0 : null;
  }

  #write(level: Level, fields: Fields, message: string): void {
    const { logger, node } = this.#options;
    if (!logger) return;
    const line = shown(message, lineLengthMax);
    attempt(() => tell(logger, level, { node, ...shownFields(fields) }, line), this.#failed);
  }

  /** Said once: a logger that fails will fail at this, too. */
  readonly #failed = (error: unknown): void => {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    attempt(() => {
      const err = shownError(error);
      consoleLogger.error({ err }, `the option "logger" failed: ${headOf(err)}`);
    }, ignore);
  };
}

const lineLengthMax = 1500;

/** As a method: a logger may need to know itself. */
function tell(logger: Logger, level: Level, fields: object, message: string): unknown {
  if (level === "warn") return logger.warn(fields, message);
  if (level === "error") return logger.error(fields, message);
  if (logger.debug) return logger.debug(fields, message);
  return logger.info ? logger.info(fields, message) : consoleLogger.debug(fields, message);
}

function shownFields(fields: Fields): Fields {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? shown(value) : value]),
  );
}

/** What a text about an upgrade must not have: `authenticate` may have put anything into it. */
function secretsOf(request: UpgradeRequest): string[] {
  const raw = single(request.headers["authorization"]) ?? "";
  const secrets = [tokenOf(request) ?? "", raw.replace(/^\S+\s+/, ""), ...cookiesOf(request).values()];
  return [...secrets, ...queryOf(request)];
}

/** Why a call was refused, without the values that were. */
function reasonOf({ message, issues }: BowlineError, code: string, payload: unknown) {
  const values = valuesOf(payload);
  const general = Object.hasOwn(errorCodes, code) ? errorCodes[code as keyof typeof errorCodes].text : code;
  const clean = (text: unknown): string => (values ? shown(without(String(text), values)) : general);
  const [first] = Array.isArray(issues) ? (issues as readonly Partial<BowlineError["issues"][number]>[]) : [];
  if (!first) return { why: clean(message), issue: undefined };
  const path = Array.isArray(first.path) ? shown(first.path.map(String).join(".")) : "";
  const issue = { path, message: clean(first.message) };
  return { why: path ? `${path}: ${issue.message}` : issue.message, issue };
}

function placeOf({ room, event, request }: Omit<RefusedCall, "kind">): string {
  const name = event ?? request;
  const what = name === undefined ? "" : ` of ${quoted(name)}`;
  return room === undefined ? what : `${what} in ${quoted(room)}`;
}

function more(leftOut: number): string {
  return leftOut > 0 ? ` (and ${leftOut} more like it before)` : "";
}

function ignore(): void {}
