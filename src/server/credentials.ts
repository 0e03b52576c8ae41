import { tokenScheme, tokenSubprotocolPrefix } from "../protocol/frames.ts";
import type { UpgradeRequest } from "./engine.ts";

/** The one value of a header, or the first. */
export function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}

/** What is offered in `Sec-WebSocket-Protocol`. */
export function protocols({ headers }: UpgradeRequest): string[] {
  const offered = headers["sec-websocket-protocol"] ?? "";
  const text = typeof offered === "string" ? offered : offered.join(",");
  return text.split(",").map((entry) => entry.trim());
}

/**
 * The token that a request carries, whatever it asks for: an upgrade and the question why one is refused are told the
 * same. From the header, else from the subprotocol entry; an empty one is none, and so is one that can't be decoded.
 */
export function tokenOf(request: UpgradeRequest): string | undefined {
  const header = single(request.headers["authorization"])?.trim() ?? "";
  const [, scheme = "", credentials = ""] = /^(\S+)\s+(\S.*)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === "bearer") return credentials;
  const entries = protocols(request)
    .filter((entry) => entry.startsWith(tokenSubprotocolPrefix))
    .map((entry) => entry.slice(tokenSubprotocolPrefix.length));
  const isOurs = scheme.toLowerCase() === tokenScheme.toLowerCase();
  const encoded = [isOurs ? credentials : "", ...entries].find((text) => /[^=]/.test(text));
  return encoded === undefined ? undefined : decodeBase64Url(encoded);
}

function decodeBase64Url(text: string): string | undefined {
  try {
    const binary = atob(text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(binary, (char) => char.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

/** The cookies of a request by name, percent-decoded. */
export function cookiesOf({ headers }: UpgradeRequest): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  const sent = single(headers["cookie"]);
  if (sent === undefined) return cookies;
  for (const pair of sent.split(";")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, at)).trim();
    // The first of a name wins, as in RFC 6265: it is the more specific one.
    if (name && !cookies.has(name)) cookies.set(name, percentDecode(unquote(pair.slice(at + 1).trim())));
  }
  return cookies;
}

function unquote(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The values in a request's query, as they were sent and decoded. */
export function queryOf({ url }: UpgradeRequest): string[] {
  const [, query = ""] = /\?([^#]*)/.exec(url) ?? [];
  const sent = query.split("&").map((pair) => pair.slice(pair.indexOf("=") + 1));
  return [...sent, ...new URLSearchParams(query).values()];
}
