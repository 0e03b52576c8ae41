import { misuse } from "#client/help";
import { attempt } from "../base/awaitable.ts";
import { fits } from "../base/utf8.ts";

/** Longest token, in bytes of UTF-8: in base64url, it fills the 16 KiB that most servers take of a request's headers. */
export const tokenBytesMax = 12_000;
/** Longest user id, in bytes of UTF-8. */
export const userIdBytesMax = 256;

/**
 * What the application gave for a text: null where that is none, or empty. Throws a `TypeError` on anything else than a
 * text, and on one that is too long; it does not show it.
 */
export function textOption(name: string, given: unknown, bytesMax: number): string | null {
  const value = given ?? "";
  if (typeof value === "string" && fits(value, bytesMax)) return value || null;
  // What it may be a promise of, nobody hears.
  attempt(
    () => value,
    () => {},
  );
  throw misuse("text", name, bytesMax, typeof value);
}
