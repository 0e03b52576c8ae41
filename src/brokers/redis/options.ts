import { checkOptions } from "../../base/options.ts";

/** Options of {@link redis}. */
export interface RedisBrokerOptions {
  /**
   * Where Redis is: `redis://user:password@host:6379/0`, or `rediss://` for TLS. For a Redis Cluster one or several of
   * its members, of which one has to answer; the others are found out.
   */
  readonly url: string | readonly string[];
  /**
   * What every key and channel begins with. Systems that share a Redis need one each, even in different databases of it:
   * channels are the same in all of them. Default `bowline`.
   */
  readonly prefix?: string;
  /** How long a session without a connection is remembered. Default 1 hour. */
  readonly sessionTtlMs?: number;
  /** How long after its last sign of life a node's members are taken away. Default 15 seconds. */
  readonly leaseMs?: number;
  /** How long Redis may take to answer before it counts as unreachable. Default 3 seconds. */
  readonly timeoutMs?: number;
  /**
   * Whether to start on a Redis that may evict keys when its memory is full. What is evicted is lost, and clients are
   * told: logs begin anew with a gap, and calls under way are `UNCERTAIN`. Default false.
   */
  readonly allowEviction?: boolean;
  /** Further options for ioredis, such as `tls`. Those that the broker relies on can't be changed. */
  readonly client?: Readonly<Record<string, unknown>>;
}

/** The options, checked, with the defaults filled in. */
export interface Settings extends Required<Omit<RedisBrokerOptions, "url">> {
  readonly urls: readonly URL[];
}

/** Throws a TypeError that names the option and its value, passwords left out. */
export function settingsOf(options: RedisBrokerOptions): Settings {
  checkOptions("redis", options, {
    url: 1,
    prefix: 1,
    sessionTtlMs: 1,
    leaseMs: 1,
    timeoutMs: 1,
    allowEviction: 1,
    client: 1,
  });
  const { url, prefix = "bowline", allowEviction = false, client = {} } = options;
  const urls = (Array.isArray(url) ? (url as readonly string[]) : [url]).map(parseUrl);
  if (urls.length === 0) throw misuse("url", "the address of a Redis server", url);
  if (typeof prefix !== "string" || !/^[^\s{}]{1,64}$/.test(prefix))
    throw misuse("prefix", "1 to 64 characters without spaces and braces", prefix);
  return {
    urls,
    prefix,
    allowEviction,
    client,
    sessionTtlMs: milliseconds(options, "sessionTtlMs", 3_600_000),
    leaseMs: milliseconds(options, "leaseMs", 15_000),
    timeoutMs: milliseconds(options, "timeoutMs", 3000),
  };
}

/** An address as it may be shown: without the password. */
export function redact(url: URL): string {
  const shown = new URL(url);
  if (shown.password) shown.password = "***";
  return shown.href;
}

function parseUrl(text: unknown): URL {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : null;
  if (url && /^rediss?:$/.test(url.protocol) && url.hostname && /^(\/\d*)?$/.test(url.pathname)) return url;
  // What can't be taken apart may hold a password anywhere before an @.
  const shown = typeof text === "string" ? text.replace(/^.*@/s, "***@") : text;
  throw misuse("url", "redis://host:port or rediss://host:port, with /number for a database", shown);
}

function milliseconds(
  options: RedisBrokerOptions,
  name: "sessionTtlMs" | "leaseMs" | "timeoutMs",
  standard: number,
): number {
  const value = options[name] ?? standard;
  if (Number.isSafeInteger(value) && value >= 50) return value;
  throw misuse(name, "a whole number of milliseconds, at least 50", value);
}

function misuse(option: string, expected: string, value: unknown): TypeError {
  return new TypeError(`redis broker: option "${option}" must be ${expected}, not ${JSON.stringify(value)}`);
}
