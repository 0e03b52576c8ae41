import { checkClientOptions, checkOptions, misuse } from "#client/help";
import type { Clock, Undo } from "../base/clock.ts";
import { pageClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { systemRandom, type Random } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import type {
  ClientEvents,
  Durable,
  PayloadIn,
  PresenceIn,
  RequestInput,
  RequestReply,
  RoomArgument,
  RoomNamesOf,
  RoomOf,
} from "../contract/infer.ts";
import type { TokenSource } from "./connection-context.ts";
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import { ClientCore } from "./core.ts";
import type { OutboxLimits } from "./outbox.ts";
import type { JoinOptions } from "./join-options.ts";
import type { Room } from "./room-types.ts";
import { systemTransport, type Transport, type WebSocketClass } from "./socket.ts";
import type { Status } from "./status.ts";
import { memoryStore, type Store } from "./store.ts";
import { textOption, userIdBytesMax } from "./text-option.ts";

/** Options of {@link createClient}. */
export interface ClientOptions {
  /**
   * Where the server listens: `ws:`, `wss:`, `http:` or `https:`. In a page also a path, e.g. `/bowline`, on the page's
   * own host.
   */
  readonly url: string;
  /** The token to authenticate with, or what gets one: called before each connection attempt. */
  readonly token?: string | TokenSource | null | undefined;
  /**
   * Who uses the application, by the id that the server's `authenticate` gives, or what tells that: asked whenever a call
   * is made, and before each connection attempt. Null, undefined and an empty text: not known. With it, what is queued
   * before the first welcome, or kept by a store, belongs to a user: it goes out as that one, or is refused with
   * `SESSION_MISMATCH`. When it changes, what the former user had queued is refused, and the client connects anew as the
   * new one: with the next call, or with `reconnect()`. At most 256 bytes in UTF-8. Default: not known.
   *
   * @example
   * const client = createClient(chat, { url, token: () => account.token, user: () => account.userId });
   */
  readonly user?: string | null | undefined | (() => string | null | undefined);
  /** Keeps session and outbox beyond this process. Default: nothing is kept. */
  readonly store?: Store;
  /** A WebSocket class, where there is no global one: Node 20 with `ws`. */
  readonly WebSocket?: WebSocketClass;
  /** Bounds of what waits to be settled. */
  readonly outbox?: Partial<OutboxLimits>;
  /**
   * Whether to connect at once; otherwise call `connect()`, which looks at `url` and `WebSocket` only then. Default true, but
   * false for a path where there is no page.
   */
  readonly connect?: boolean;
  /** Told of what listeners, the token source and the store throw. Default: writes it to the console, as what it throws itself is. */
  readonly onError?: (error: unknown) => void;
  /**
   * Whether the console is told, where nobody listens: of a wait or a stop without {@link Client.onStatus}, of a refused
   * join, signal or presence state without {@link Room.onError}. One line for each cause, until it works again. Default
   * true.
   */
  readonly log?: boolean;
  /** The network; for simulations. */
  readonly transport?: Transport;
  /** Where time comes from; for simulations. */
  readonly clock?: Clock;
  /** Where chance comes from; for simulations. */
  readonly random?: Random;
}

/** A client of one contract's server. */
export interface Client<C extends Contract = Contract> {
  /** Public id of this client's session; its publications' ids begin with it. Null before the first welcome. */
  readonly session: string | null;
  /** The user id the server knows this client by; null before the first welcome. */
  readonly user: string | null;
  readonly status: Status;
  /** Publishes that are not settled, in their order. The same array until one of them changes. */
  readonly pending: readonly Fate[];

  /**
   * Enters a room and stays in it across reconnects until `leave()`. Returns at once. Joins are counted: each gives an
   * object of its own, and the room is left with the last of them. All share the presence state, the last one given. A
   * room that was refused is asked again. Throws a `TypeError` for a name that no pattern of the contract fits, for options
   * that are none, and for more history, or another position, than a room that is joined already still has.
   *
   * @example
   * const lobby = client.join("chat/lobby", { history: 50 });
   * lobby.on("message", ({ payload, from, at }) => show(from, payload.text, at));
   */
  join<const Name extends RoomNamesOf<C>>(
    this: void,
    room: RoomArgument<C, Name>,
    options?: JoinOptions<PresenceIn<RoomOf<C, Name>>>,
  ): Room<RoomOf<C, Name>>;

  /**
   * Publishes to a room without joining it, as {@link Room.publish} does: for those who only send.
   *
   * @example
   * await client.publish("chat/lobby", "message", { text: "hi" });
   */
  publish<
    const Name extends RoomNamesOf<C>,
    Event extends keyof Durable<ClientEvents<RoomOf<C, Name>>> & string,
  >(
    this: void,
    room: RoomArgument<C, Name>,
    event: Event,
    payload: PayloadIn<RoomOf<C, Name>["events"][Event]>,
  ): Publish;

  /**
   * Asks the server. Waits while offline. Run at most once, unless the contract marks it idempotent. Rejects with a
   * `BowlineError`: what it was refused with, `TIMEOUT`, `UNCERTAIN`, `OUTBOX_FULL`, `CLOSED`, or why the client has stopped.
   *
   * @example
   * const rooms = await client.request("rooms.list", {});
   */
  request<Name extends keyof C["requests"] & string>(
    this: void,
    name: Name,
    input: RequestInput<C["requests"][Name]>,
    options?: RequestCallOptions,
  ): Promise<RequestReply<C["requests"][Name]>>;

  onStatus(this: void, listener: (status: Status) => void): Undo;
  /**
   * Follows every publish, by its id; `queued` comes before the call of `publish` has returned, unless one of these
   * listeners made it. Tells of those as well that a store brought back, whose promises ended with an earlier process.
   */
  onFate(this: void, listener: (fate: Fate) => void): Undo;

  /**
   * Connects, after `connect: false`, `close()` or a stop. Does nothing otherwise. Throws a `TypeError` for a `url` that
   * leads nowhere from here, and where there is no WebSocket class.
   */
  connect(this: void): void;
  /** Gives the present socket or wait up and tries at once: for a "try now" button. Does nothing where it is closed. */
  reconnect(this: void): void;
  /**
   * Closes, and ends every room as `refused` until it connects again. Rejects what is pending with `CLOSED`, which says that nobody waits for it any more: what is in the outbox is
   * still sent if this client connects again, or by the next one on the same store.
   */
  close(this: void): void;
}

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

/** The same over the network of another platform, which is looked at when the client connects. */
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
  const errors = new Emitter<unknown>(reportToConsole);
  errors.on(onError);
  const report = (error: unknown): void => errors.emit(error);
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
    say: (printed, text) => {
      if (log) sayOnce(printed, text);
    },
    report,
  });
  if (connect) core.connect();
  return faceOf(core) as unknown as Client<C>;
}

type Method = (typeof methods)[number];

/** The plain half of the typed `Client`. */
export interface ClientFace extends Pick<ClientCore, Method | "user" | "status" | "pending"> {
  readonly session: string | null;
}

const methods = [
  "connect",
  "reconnect",
  "close",
  "join",
  "publish",
  "request",
  "onStatus",
  "onFate",
] as const;

/** What of a client its users have. The functions may be taken off it. */
function faceOf(core: ClientCore): ClientFace {
  const face = {
    get session() {
      return core.session.stored.id;
    },
    get user() {
      return core.user;
    },
    get status() {
      return core.status;
    },
    get pending() {
      return core.pending;
    },
  };
  const bound = methods.map((name) => [name, core[name].bind(core)] as const);
  return Object.assign(face, Object.fromEntries(bound) as Pick<ClientCore, Method>);
}

/** Who is told more reads no more of it. */
const printedMax = 100;

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

/** Writes what nobody listens to on the console, each cause once. */
function sayOnce(printed: Set<string>, text: string): void {
  if (printed.has(text) || printed.size >= printedMax) return;
  printed.add(text);
  // oxlint-disable-next-line no-console
  console.warn(`bowline: ${text}`);
}

function reportToConsole(error: unknown): void {
  // oxlint-disable-next-line no-console
  console.error("bowline:", error);
}
