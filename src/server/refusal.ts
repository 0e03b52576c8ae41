import { errorCodes, type ErrorName } from "../protocol/codes.ts";
import { BowlineError, type Issue } from "../protocol/errors.ts";
import type { ErrorFrame, ErrorSubject } from "../protocol/frames.ts";
import { depthMax } from "../protocol/shape.ts";
import type { Caller, Logging, RefusedCall } from "./logging/logging.ts";
import type { Refusal } from "./neutral.ts";

/** Where in the server an error came up, for `onError` and in a logged fault. */
export type Stage =
  | "authenticate"
  | "session"
  | "join"
  | "presence"
  | "publish"
  | "signal"
  | "request"
  | "delivery"
  | "broker"
  /** A request or an upgrade could not be answered over HTTP. */
  | "http";

/** What an error is about, where that is known. */
export interface About {
  readonly room?: string;
  readonly event?: string;
  readonly request?: string;
}

/** Takes an error to the application's `onError`. Never throws. */
export type Report = (error: unknown, stage: Stage, about?: About) => void;

/** What refusing a call needs of the node. */
export interface RefusalContext {
  readonly report: Report;
  readonly logging: Logging;
}

/** What `onError` is told beside the error. */
export interface ErrorInfo extends About {
  readonly stage: Stage;
  /** The id of the node that it came up on, as in `clusterStats()`. */
  readonly node: string;
}

/** An error of the table, with its text, or with one that says more. */
export function tableError(code: ErrorName, cause?: unknown, message?: string): BowlineError {
  const { text, retryable } = errorCodes[code];
  return new BowlineError(code, message ?? text, { retryable, cause });
}

/** A payload that does not fit its schema; `what` names it and its place. */
export function invalid(what: string, issues: readonly Issue[]): BowlineError {
  const [first] = issues;
  const path = first?.path.join(".");
  const why = first ? `: ${path ? `${path}: ` : ""}${first.message}` : "";
  return new BowlineError("INVALID", `${what} does not fit its schema${why}`, { issues });
}

/** The broker has no ledger of a session: its connection is closed, so that the client opens the session again. */
export class SessionLost extends Error {
  override readonly name: string = "SessionLost";
}

/** Most issues of one payload that a client is told. */
const issuesMax = 10;

/** A refusal is for a log or a page to show: a handler's own words beyond this are cut off, and so is a code. */
const messageLengthMax = 4096;
const codeLengthMax = 128;
const issueLengthMax = 1024;
/** A step of an issue's path is a name of the payload, and there are no more than it has levels. */
const stepLengthMax = 128;

/** The frame that refuses. */
export function refusalFrame(subject: ErrorSubject, error: BowlineError): ErrorFrame {
  return { type: "error", ...subject, ...toRefusal(error) };
}

/** What is told of an error. */
export function toRefusal({ code, message, retryable, issues }: BowlineError): Refusal {
  // A handler may have put anything into it, also what JSON can't hold.
  const shown = Array.isArray(issues) ? issues.slice(0, issuesMax).map(plainIssue) : [];
  return {
    code: cut(code, codeLengthMax),
    message: cut(message, messageLengthMax),
    ...(retryable && { retryable: true }),
    ...(shown.length > 0 && { issues: shown }),
  };
}

function plainIssue({ message, path }: Issue): Issue {
  const steps = Array.isArray(path) ? (path as readonly unknown[]) : [];
  return {
    message: cut(message, issueLengthMax),
    path: steps
      .slice(0, depthMax)
      .map((step) => (typeof step === "number" ? step : cut(step, stepLengthMax))),
  };
}

/** A text that a frame may hold: not longer than that, and no half of a character at its end or anywhere. */
function cut(text: unknown, lengthMax: number): string {
  return String(text).slice(0, lengthMax).toWellFormed();
}

/**
 * Whether it is a `BowlineError`, of whatever was thrown, that can be told: what was put into it, or the error itself, may
 * throw when it is read.
 */
export function isRefusal(error: unknown): error is BowlineError {
  try {
    return error instanceof BowlineError && toRefusal(error).code !== "";
  } catch {
    return false;
  }
}

/**
 * What a client is told of an error: a `BowlineError` was meant for it, and is logged; anything else is a fault of ours,
 * which it learns nothing about, and which is reported once.
 */
export function refusalOf(
  error: unknown,
  { report, logging }: RefusalContext,
  call: RefusedCall & { readonly kind: Stage },
  caller: Caller,
): BowlineError {
  if (isRefusal(error)) {
    logging.refusedCall(call, error, caller);
    return error;
  }
  const { kind, room, event, request } = call;
  report(error, kind, {
    ...(room !== undefined && { room }),
    ...(event !== undefined && { event }),
    ...(request !== undefined && { request }),
  });
  return tableError("INTERNAL", error);
}

/** Refuses, and logs, what came too early to be a call of some kind: a bad frame, one too many. */
export function turnDown(
  connection: Caller & { refuse(subject: ErrorSubject, error: BowlineError): void },
  logging: Logging,
  subject: ErrorSubject,
  error: BowlineError,
): void {
  const call: RefusedCall = "ref" in subject ? { kind: "call" } : { kind: subject.of, room: subject.room };
  logging.refusedCall(call, error, connection);
  connection.refuse(subject, error);
}

/** Most bytes of a close reason (RFC 6455, 5.5). */
const reasonBytesMax = 123;

/** As much of a reason as a close frame can hold. */
export function fitReason(reason: string): string {
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(reasonBytesMax);
  const { read } = encoder.encodeInto(reason, bytes);
  return reason.slice(0, read);
}
