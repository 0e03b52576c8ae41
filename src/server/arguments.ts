import { checkOptions, checkTimes, shownValue } from "../base/options.ts";
import type { Position } from "../protocol/frames.ts";
import type { DrainOptions } from "./engine.ts";

/** Options of `server.history`. */
export interface HistoryOptions {
  /** How many, from 1. Default 100. */
  readonly limit?: number;
  /**
   * Only those before this position: of the oldest message a client has, to scroll back. Of a log that was lost and begun
   * anew there are none.
   */
  readonly before?: Position;
}

/** Names are texts: of anything else something deep inside would complain, in words that name nobody's call. */
export function checkNames(where: string, names: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(names))
    if (typeof value !== "string")
      throw new TypeError(`${where}: the ${name} must be a string, not ${shownValue(value)}`);
}

/** Throws a `TypeError` that names an option of `server.history` that does not fit. */
export function checkHistory(options: HistoryOptions): void {
  checkOptions("server.history", options, { limit: 1, before: 1 });
  const { limit = 1, before } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new TypeError(`server.history: limit must be a whole number from 1, not ${shownValue(limit)}`);
  if (before !== undefined && !isPosition(before))
    throw new TypeError(
      "server.history: before must be a position, { offset, epoch }, as publications have it",
    );
}

/** Throws a `TypeError` that names an option of `server.drain` that does not fit. */
export function checkDrain(options: DrainOptions): void {
  checkOptions("server.drain", options, { spreadMs: 1, deadlineMs: 1 });
  checkTimes("server.drain", options);
}

function isPosition(given: unknown): boolean {
  const { offset, epoch } = (given ?? {}) as Partial<Record<keyof Position, unknown>>;
  return Number.isSafeInteger(offset) && (offset as number) >= 0 && typeof epoch === "string";
}
