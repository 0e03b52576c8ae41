import { base64Url } from "../base/base64-url.ts";
import { sha256 } from "../base/sha256.ts";
import { canonicalJson } from "./canonical-json.ts";

/**
 * What a contract, or an outline, is compared by: the first 16 bytes of the SHA-256 of its canonical JSON, in base64url
 * without padding, 22 characters.
 */
export function hashOf(value: unknown): string {
  return base64Url(sha256(canonicalJson(value)).subarray(0, 16));
}
