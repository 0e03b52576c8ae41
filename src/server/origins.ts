import type { UpgradeRequest } from "./engine.ts";

/** Decides about one origin, at once. What it throws is reported, and refuses with HTTP 500. */
export type OriginRule = (origin: string, request: UpgradeRequest) => boolean;

/**
 * Whose pages may connect. `"same"`: pages of the host that the request was sent to. `"any"`: all of them. A list of
 * origins, in which `"same"` may stand too: `["same", "https://app.example", "capacitor://localhost", "null"]`. For
 * patterns a function, which is asked of each upgrade that a browser sends:
 * `(origin) => origin.startsWith("https://") && origin.endsWith(".example.com")`.
 */
export type AllowedOrigins = "same" | "any" | readonly string[] | OriginRule;

/** The rule behind the option `origins`. Throws a `TypeError` that names an entry that could never match. */
export function originRule(origins: AllowedOrigins): OriginRule {
  if (origins === "any") return () => true;
  if (origins === "same") return isSameHost;
  if (typeof origins === "function") return askingRule(origins);
  if (!Array.isArray(origins)) throw noOrigin(origins, usage);
  const listed = new Set(origins.map((entry: unknown) => (entry === "same" ? entry : listedOrigin(entry))));
  return (origin, request) => {
    const normal = normalOrigin(origin);
    if (normal === null) return false;
    return listed.has(normal) || (listed.has("same") && isSameHost(origin, request));
  };
}

/** Schemes whose hosts have the spellings of a URL, with their default ports. */
const webScheme = /^https?:\/\//i;
/** Of any other scheme, e.g. `capacitor://localhost` or `file://`. */
const appOrigin = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~-]*(:\d{1,5})?$/i;
/** What stands in `Host`, and after the scheme of an origin. */
const hostAndPort = /^[^\s/\\?#@*]+$/;

/**
 * One spelling for all of an origin: in small letters, without the default port, hosts as URLs write them. A dot at the
 * end of a host makes another host of it, as it does for browsers. Null for what is none.
 */
export function normalOrigin(text: string): string | null {
  if (text === "null") return text;
  const [scheme] = webScheme.exec(text) ?? [];
  if (scheme === undefined) return appOrigin.test(text) ? text.toLowerCase() : null;
  if (!hostAndPort.test(text.slice(scheme.length)) || !URL.canParse(text)) return null;
  return new URL(text).origin;
}

function isSameHost(origin: string, { headers, secure }: UpgradeRequest): boolean {
  const [scheme] = webScheme.exec(origin) ?? [];
  // HTTP/2, which a probe may come by, has its own name for it.
  const host = headers["host"] ?? headers[":authority"];
  if (scheme === undefined || typeof host !== "string") return false;
  // Where TLS is known to be in use, whoever can write into a page without it must not speak for the one with it.
  if (scheme.toLowerCase() === "http://" && (secure === true || cameByTls(headers))) return false;
  // Without a scheme of its own, Host is read by the origin's: that decides which port needs no saying.
  const own = normalOrigin(scheme + host);
  return own !== null && own === normalOrigin(origin);
}

/** Whether a proxy says that it ended TLS. It is believed for what it forbids alone: anybody could send the header. */
function cameByTls(headers: UpgradeRequest["headers"]): boolean {
  const proto = headers["x-forwarded-proto"];
  return typeof proto === "string" && /^\s*(https|wss)\s*(,|$)/i.test(proto);
}

function askingRule(ask: OriginRule): OriginRule {
  return (origin, request) => {
    const answer: unknown = ask(origin, request);
    if (typeof answer === "boolean") return answer;
    // A promise is truthy: taken for a yes it would let everybody in. Its rejection is nobody's then.
    void Promise.resolve(answer).catch(() => {});
    throw new TypeError(
      `origins must return true or false at once, not ${answer instanceof Promise ? "a promise" : String(answer)}`,
    );
  };
}

function listedOrigin(entry: unknown): string {
  if (typeof entry !== "string")
    throw noOrigin(entry, "list strings, or give a function instead of the list");
  const normal = entry.includes("*") || /^(wss?|ftp):/i.test(entry) ? null : normalOrigin(entry);
  if (normal === null) throw noOrigin(entry, remedy(entry));
  return normal;
}

const usage = 'give "same", "any", a list like ["https://app.example"] or a function';

/** What to write in place of an entry that would never match. */
function remedy(entry: string): string {
  if (entry === "any" || entry === "*") return 'for all of them write origins: "any", and no list';
  const [, scheme, suffix] = /^(https?:\/\/)[^*]*\*(\.[^*/?#]+)\/?$/i.exec(entry) ?? [];
  if (suffix) {
    const pattern = `origin.startsWith("${scheme}") && origin.endsWith("${suffix}")`;
    return `patterns are for a function: origins: (origin) => ${pattern}`;
  }
  if (entry.includes("*")) return "patterns are for a function: origins: (origin) => …";
  const page = entry.trim().replace(/^ws(s?:)/i, "http$1");
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(page) ? page : `${schemeOf(page)}//${page}`;
  const { protocol = "", host = "" } = URL.canParse(url) ? new URL(url) : {};
  const suggestion = protocol === "ftp:" ? null : normalOrigin(`${protocol}//${host}`);
  return suggestion === null
    ? 'write what browsers send, like "https://app.example"'
    : `write "${suggestion}"`;
}

/** What a page of a bare host most likely begins with. */
function schemeOf(host: string): string {
  return /^(localhost|127\.|\[::1)/i.test(host) ? "http:" : "https:";
}

function noOrigin(entry: unknown, advice: string): TypeError {
  const shown = typeof entry === "string" ? JSON.stringify(entry) : String(entry);
  return new TypeError(`origins: ${shown} is the origin of no page: ${advice}`);
}
