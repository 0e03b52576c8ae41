import { checkOptions } from "../../base/options.ts";

/** TLS settings of the client, as `@nats-io/transport-node` takes them. */
export interface NatsTls {
  readonly handshakeFirst?: boolean;
  readonly ca?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
}

/** Options of the NATS broker. */
export interface NatsOptions {
  /** Where NATS is: `"nats://host:4222"`, or several servers of one cluster. Who signs in says `user`, `pass` or `token`. */
  readonly servers: string | readonly string[];
  /**
   * What the names of all streams and subjects begin with: letters, digits, `_` and `-`, 32 at most. Two applications on
   * one NATS need two. Default `"bowline"`.
   */
  readonly prefix?: string;
  /** How long a session without a connection is remembered. Default 1 hour. */
  readonly sessionTtlMs?: number;
  /** How long a node that says nothing counts as alive: its members are present until then. Default 15 seconds. */
  readonly leaseMs?: number;
  /**
   * Entries older than this are gone, whatever the history of their room says. At least twice `sessionTtlMs`, for who
   * comes back may send again what is in them. Default 30 days.
   */
  readonly logTtlMs?: number;
  /**
   * Servers of the cluster that hold a copy of each stream, from 1 to 5. What streams have more stays: take copies away
   * with the tools of NATS. Default 1.
   */
  readonly replicas?: number;
  /**
   * Where streams are kept. `"memory"` is lost with the server, and clients are told (`gap`). The same on all nodes, and
   * for as long as there are streams. Default `"file"`.
   */
  readonly storage?: "file" | "memory";
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: NatsTls;
}

/** The options with their defaults. */
export interface NatsSettings {
  readonly servers: string[];
  readonly prefix: string;
  readonly sessionTtlMs: number;
  readonly leaseMs: number;
  readonly logTtlMs: number;
  readonly replicas: number;
  readonly storage: "file" | "memory";
  /** What goes to the client as it is. */
  readonly access: Pick<NatsOptions, "user" | "pass" | "token" | "tls">;
}

const optionNames = {
  servers: 1,
  prefix: 1,
  sessionTtlMs: 1,
  leaseMs: 1,
  logTtlMs: 1,
  replicas: 1,
  storage: 1,
  user: 1,
  pass: 1,
  token: 1,
  tls: 1,
} as const satisfies { readonly [Name in keyof NatsOptions]-?: unknown };

const prefixPattern = /^[A-Za-z0-9_-]{1,32}$/;

/** Fills in the defaults; throws a `TypeError` that names an option which can't be what it is. */
export function settingsOf(options: NatsOptions): NatsSettings {
  checkOptions("nats", options, optionNames);
  const { servers, prefix = "bowline", storage = "file", replicas = 1 } = options;
  const list = typeof servers === "string" ? [servers] : Array.isArray(servers) ? [...servers] : [];
  const isAddress = (server: unknown): boolean => typeof server === "string" && server !== "";
  // The client would not use it, and its errors would show it.
  if (list.some((server) => String(server).includes("@")))
    throw misuse("servers", 'without "@": user, pass and token are options of their own', redacted(list));
  if (list.length === 0 || !list.every(isAddress))
    throw misuse("servers", 'an address such as "nats://localhost:4222", or several', redacted(list));
  if (!prefixPattern.test(prefix))
    throw misuse("prefix", "1 to 32 of A-Z a-z 0-9 _ -", JSON.stringify(prefix));
  if (storage !== "file" && storage !== "memory")
    throw misuse("storage", '"file" or "memory"', JSON.stringify(storage));
  if (![1, 2, 3, 4, 5].includes(replicas))
    throw misuse("replicas", "a whole number from 1 to 5", String(replicas));
  const sessionTtlMs = durationOf(options, "sessionTtlMs", 3_600_000);
  const logTtlMs = durationOf(options, "logTtlMs", 30 * 86_400_000);
  // What a log forgets with its oldest messages is also who sent them: what is sent again would be stored again.
  if (logTtlMs < 2 * sessionTtlMs)
    throw misuse("logTtlMs", `at least twice sessionTtlMs, ${2 * sessionTtlMs}`, String(logTtlMs));
  return {
    servers: list,
    prefix,
    storage,
    replicas,
    sessionTtlMs,
    leaseMs: durationOf(options, "leaseMs", 15_000),
    logTtlMs,
    access: accessOf(options),
  };
}

/** Addresses for people. */
export function listed(servers: readonly string[]): string {
  return JSON.stringify(servers.length === 1 ? servers[0] : servers);
}

/** Those of whoever made a mistake: without anything that may stand in front of the host. */
function redacted(servers: readonly unknown[]): string {
  return listed(servers.map((server) => String(server).replace(/^.*@/s, "***@")));
}

/** Without those that are not given: the client would take `undefined` for a value. */
function accessOf({ user, pass, token, tls }: NatsOptions): NatsSettings["access"] {
  return {
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...(tls !== undefined && { tls }),
  };
}

type Duration = "sessionTtlMs" | "leaseMs" | "logTtlMs";

/** A server needs its time to look for what is too old: what is much shorter could not be kept to. */
function durationOf(options: NatsOptions, name: Duration, defaultMs: number): number {
  const ms = options[name] ?? defaultMs;
  if (Number.isFinite(ms) && ms >= 500) return ms;
  throw misuse(name, "a number of milliseconds from 500", String(ms));
}

function misuse(option: string, expected: string, value: string): TypeError {
  return new TypeError(`nats: ${option} must be ${expected}, not ${value}`);
}
