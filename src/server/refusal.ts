import { errorCodes, type ErrorName } from "../protocol/codes.ts";
import { BowlineError, type Issue } from "../protocol/errors.ts";
import type { ErrorFrame, ErrorSubject } from "../protocol/frames.ts";

/** Where in the server an error came up, for `onError`. */
export type Stage =
  | "authenticate"
  | "session"
  | "join"
  | "presence"
  | "publish"
  | "signal"
  | "request"
  | "delivery"
  | "broker";

/** What `onError` is told beside the error. */
export interface ErrorInfo {
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

/** The frame that refuses. */
export function refusalFrame(
  subject: ErrorSubject,
  { code, message, retryable, issues }: BowlineError,
): ErrorFrame {
  return {
    type: "error",
    ...subject,
    code,
    message,
    ...(retryable && { retryable }),
    ...(issues.length > 0 && { issues: issues.slice(0, issuesMax).map(plainIssue) }),
  };
}

/** A handler may have put anything into it, also what JSON can't hold. */
function plainIssue({ message, path }: Issue): Issue {
  return {
    message: String(message),
    path: path.map((step) => (typeof step === "number" ? step : String(step))),
  };
}

/**
 * What a client is told of an error: a `BowlineError` was meant for it; anything else is a fault of ours, which it
 * learns nothing about, and which is reported once.
 */
export function refusalOf(
  error: unknown,
  stage: Stage,
  report: (error: unknown, stage: Stage) => void,
): BowlineError {
  if (error instanceof BowlineError) return error;
  report(error, stage);
  return tableError("INTERNAL", error);
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
