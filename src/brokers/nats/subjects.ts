import { createHash } from "node:crypto";

/**
 * A name as one token of a subject: what NATS gives a meaning to, and whatever else is not plain, stands as `=` and four
 * hexadecimal digits for each UTF-16 unit. No two names share a token, and most can still be read.
 */
export function tokenOf(name: string): string {
  return name.replace(/[^A-Za-z0-9_/-]/g, (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The name that a token stands for. */
export function nameOf(token: string): string {
  return token.replace(/=([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

/** As good as a name where it has to be short. */
export function shortNameOf(name: string): string {
  return createHash("sha256").update(name).digest("base64url").slice(0, 8);
}
