import { base64Url } from "../base/base64-url.ts";
import { sha256 } from "../base/sha256.ts";

/**
 * The public id of the session that a secret opens: the first 16 bytes of its SHA-256, in base64url without padding, 22
 * characters. Both ends derive it, so that who reads an id can't open the session it names.
 *
 * @example
 * sessionIdOf("f0Yw2s8Xk1QeZr7Tt5Uu3Nn9"); // "NBEgpHYdQGo-5Hv6w6sH0Q"
 */
export function sessionIdOf(secret: string): string {
  return base64Url(sha256(secret).subarray(0, 16));
}
