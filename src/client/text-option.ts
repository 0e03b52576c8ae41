import { attempt } from "../base/awaitable.ts";
import { misuse } from "#client/help";

/** Longest token, in UTF-16 units: in base64url, it fills the 16 KiB that most servers take of a request's headers. */
export const tokenLengthMax = 12_000;
/** Longest user id, in UTF-16 units. */
export const userIdLengthMax = 256;

/**
 * What the application gave for a text: null where that is none, or empty. Throws a `TypeError` on anything else than a
 * text, and on one that is too long; it does not show it.
 */
export function textOption(name: string, given: unknown, lengthMax: number): string | null {
  const value = given ?? "";
  if (typeof value === "string" && value.length <= lengthMax) return value || null;
  // What it may be a promise of, nobody hears.
  attempt(() => value, ignore);
  throw misuse("text", name, lengthMax, typeof value === "string" ? value.length : typeof value);
}

function ignore(): void {}
