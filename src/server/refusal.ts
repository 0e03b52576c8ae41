import { errorCodes, type ErrorName } from "../protocol/codes.ts";
import { BowlineError } from "../protocol/errors.ts";

/** Where in the server an error came up, for `onError`. */
export type Stage =
  | "authenticate"
  | "session"
  | "join"
  | "presence"
  | "publish"
  | "signal"
  | "request"
  | "broker";

/** An error of the table, with its text. */
export function tableError(code: ErrorName, cause?: unknown): BowlineError {
  const { text, retryable } = errorCodes[code];
  return new BowlineError(code, text, { retryable, cause });
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
