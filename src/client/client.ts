import { checkClientOptions, checkOptions, misuse } from "#client/help";
import { attempt } from "../base/awaitable.ts";
import { pageClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { systemRandom } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import type { Fate } from "./calls.ts";
import type { Client, ClientOptions, OutboxLimits } from "./client-types.ts";
import { ClientCore } from "./core.ts";
import { systemTransport, type Transport, type WebSocketClass } from "./socket.ts";
import type { Status } from "./status.ts";
import { memoryStore } from "./store.ts";
import { textOption, userIdBytesMax } from "./text-option.ts";

/**
 * Makes a client for a contract and connects it. Throws a `TypeError` that names an option that does not fit, or is none.
 * Where there is no page, a client whose `url` is a path can't connect and does not try: so it can be made on a server
 * that renders pages.
 *
 * @example
 * const client = createClient(chat, { url: "wss://example.com/bowline", token: () => session.getToken() });
 */
export function createClient<C extends Contract>(contract: C, options: ClientOptions): Client<C> {
  return createClientOver(systemTransport, contract, options);
}

/**
 * The same over the network of another platform, which is looked at when the client connects.
 *
 * @internal
 */
export function createClientOver<C extends Contract>(
  network: (given: WebSocketClass | undefined) => Transport,
  contract: C,
  options: ClientOptions,
): Client<C> {
  const {
    url,
    token,
    user,
    store = memoryStore,
    WebSocket,
    outbox = {},
    connect = pageUrl() !== undefined || !String(url).startsWith("/"),
    onError = reportToConsole,
    log = true,
    transport,
    clock = pageClock,
    random = systemRandom,
    ...others
  } = Object(options) as ClientOptions;
  checkClientOptions(options, others);
  checkOptions("outbox", outbox, defaultOutbox);
  const report = (error: unknown): void => attempt(() => onError(error), reportToConsole);
  const core = new ClientCore({
    contract,
    endpoint: () => ({ url: resolveUrl(url), transport: transport ?? network(WebSocket) }),
    tokenSource: typeof token === "function" ? token : () => token,
    whose: () => textOption("user", typeof user === "function" ? user() : user, userIdBytesMax),
    store,
    limits: { ...defaultOutbox, ...outbox },
    clock,
    random,
    fates: new Emitter<Fate>(report),
    log,
    report,
  });
  if (connect) core.methods.connect();
  return faceOf(core) as unknown as Client<C>;
}

/**
 * The plain half of the typed `Client`.
 *
 * @internal
 */
export interface ClientFace extends Pick<ClientCore, "publish" | "user" | "pending">, ClientMethods {
  readonly status: Status;
  readonly session: string | null;
}

type ClientMethods = ClientCore["methods"];

/** What of a client its users have. The functions may be taken off it. */
function faceOf(core: ClientCore): ClientFace {
  return {
    get session() {
      return core.identity.stored.id;
    },
    get user() {
      return core.user;
    },
    get status() {
      return core.connection.status;
    },
    get pending() {
      return core.pending;
    },
    publish: core.publish,
    ...core.methods,
  };
}

const defaultOutbox: OutboxLimits = { count: 1000, length: 1024 * 1024 };

/** Undefined where there is no page, or none that has an address. */
function pageUrl(): string | undefined {
  return (globalThis as { location?: { href?: string } }).location?.href || undefined;
}

function resolveUrl(url: string): string {
  const page = pageUrl();
  const resolved = URL.canParse(url, page) ? new URL(url, page).href.replace(/^http/, "ws") : "";
  if (!/^wss?:/.test(resolved)) throw misuse("url", url);
  return resolved;
}

function reportToConsole(error: unknown): void {
  // oxlint-disable-next-line no-console
  console.error("bowline:", error);
}
