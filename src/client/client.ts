import type { Clock, Undo } from "../base/clock.ts";
import { pageClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { systemRandom, type Random } from "../base/random.ts";
import type { Contract, EventDefinition, RoomDefinition, SignalDefinition } from "../contract/contract.ts";
import type {
  ClientEvents,
  Durable,
  PayloadIn,
  PayloadOut,
  PresenceIn,
  PresenceOut,
  RequestInput,
  RequestReply,
  RoomArgument,
  RoomNamesOf,
  RoomOf,
} from "../contract/infer.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { TokenSource } from "./connection-context.ts";
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import { ClientCore } from "./core.ts";
import type { OutboxLimits } from "./outbox.ts";
import type { Gap, JoinOptions, Message, RoomStatus, SignalMessage } from "./room.ts";
import { systemTransport, type Transport, type WebSocketClass } from "./socket.ts";
import type { Status } from "./status.ts";
import { memoryStore, type Store } from "./store.ts";
import { textOption, userIdLengthMax } from "./text-option.ts";

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
   * new one: with the next call, or with `reconnect()`. At most 256 characters. Default: not known.
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
  /** Whether to connect at once. Default true; otherwise call `connect()`. */
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

type Delivered<D> = D extends EventDefinition
  ? Message<PayloadOut<D>>
  : D extends SignalDefinition
    ? SignalMessage<PayloadOut<D>>
    : never;
type Published<D> = D extends EventDefinition ? Publish : void;

/** A room this client is in, across reconnects, until `leave`. */
export interface Room<R extends RoomDefinition = RoomDefinition> {
  readonly name: string;
  readonly status: RoomStatus;
  /** The last position handled; null before the first join was answered. Keep it to read on after a restart. */
  readonly position: Position | null;
  /** How many publications of the past are still on their way after a join or reconnect; 0 when up to date. */
  readonly behind: number;

  /**
   * Publishes an event, or sends a signal.
   *
   * An event is queued while offline, sent in order, and sent again after a drop; the promise resolves with its position
   * once it is stored, exactly once. It rejects with a `BowlineError`: what the server refused it with, `OUTBOX_FULL`,
   * `PAYLOAD_TOO_LARGE`, `UNCERTAIN` (the server lost what it knew while this was on its way), `CLOSED`, or
   * why the client has stopped (`UNAUTHORIZED`, `KICKED`, …): then, too, what is in the outbox is kept for `connect()`.
   * A rejection nobody handles ends a Node process: handle it, if only with `.catch(() => {})` and {@link Client.onFate}.
   * A signal returns nothing and is dropped while the room is not joined; one that is too large throws `PAYLOAD_TOO_LARGE`.
   *
   * @example
   * const { offset } = await lobby.publish("message", { text: "hi" });
   * lobby.publish("typing", { active: true });
   */
  publish<Name extends keyof ClientEvents<R> & string>(
    event: Name,
    payload: PayloadIn<R["events"][Name]>,
  ): Published<R["events"][Name]>;

  /** Listens to an event or signal. Events come once each, in the room's order; a sender gets its own too, but not its own signals. */
  on<Name extends keyof R["events"] & string>(
    event: Name,
    listener: (message: Delivered<R["events"][Name]>) => void,
  ): Undo;

  /** Listens for gaps: something was missed that can't be had any more. Fill it from your own data. */
  onGap(listener: (gap: Gap) => void): Undo;
  onStatus(listener: (status: RoomStatus) => void): Undo;
  /** Listens for refusals that belong to no publish: of a join, a signal, a presence state. */
  onError(listener: (error: BowlineError) => void): Undo;
  /** Resolves when joined; rejects when refused or left before, and while the client is closed or has stopped. */
  joined(): Promise<void>;

  readonly presence: RoomPresence<R>;

  /** Leaves, for everybody who joined it over this client, and ends all deliveries. What was published still goes out. */
  leave(): void;
}

/** Who is in a room. */
export interface RoomPresence<R extends RoomDefinition = RoomDefinition> {
  /** By session id; two tabs of a user are two members. */
  readonly members: ReadonlyMap<string, Member & { readonly state: PresenceOut<R> }>;
  /** How many they are; also in a room with more than the server lists, where `members` is empty. */
  readonly count: number;
  /** Replaces this member's state for everybody. While joined, throws `PAYLOAD_TOO_LARGE` on what is too large. */
  set(state: PresenceIn<R>): void;
  /** Called with all members after each change. */
  onChange(
    listener: (members: ReadonlyMap<string, Member & { readonly state: PresenceOut<R> }>) => void,
  ): Undo;
}

/** A client of one contract's server. */
export interface Client<C extends Contract = Contract> {
  /** Public id of this client's session; its publications' ids begin with it. */
  readonly session: string;
  /** The user id the server knows this client by; null before the first welcome. */
  readonly user: string | null;
  readonly status: Status;
  /** Publishes that are not settled, in their order. */
  readonly pending: readonly Fate[];

  /**
   * Enters a room and stays in it across reconnects until `leave()`. Returns at once; joining again while in gives the
   * identical object, whatever the options. Throws a `TypeError` for a name that no pattern of the contract fits, and for
   * options that are none.
   *
   * @example
   * const lobby = client.join("chat/lobby", { history: 50 });
   * lobby.on("message", ({ payload, from, at }) => show(from, payload.text, at));
   */
  join<const Name extends RoomNamesOf<C>>(
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
    name: Name,
    input: RequestInput<C["requests"][Name]>,
    options?: RequestCallOptions,
  ): Promise<RequestReply<C["requests"][Name]>>;

  onStatus(listener: (status: Status) => void): Undo;
  /**
   * Follows every publish, by its id; `queued` comes before the call of `publish` has returned, unless one of these
   * listeners made it. Tells of those as well that a store brought back, whose promises ended with an earlier process.
   */
  onFate(listener: (fate: Fate) => void): Undo;

  /** Connects, after `connect: false`, `close()` or a stop. Does nothing otherwise. */
  connect(): void;
  /** Gives the present socket or wait up and tries at once: for a "try now" button. Does nothing where it is closed. */
  reconnect(): void;
  /**
   * Closes, and ends every room as `refused` until it connects again. Rejects what is pending with `CLOSED`, which says that nobody waits for it any more: what is in the outbox is
   * still sent if this client connects again, or by the next one on the same store.
   */
  close(): void;
}

/**
 * Makes a client for a contract and connects it. Throws a `TypeError` that names an option that does not fit.
 *
 * @example
 * const client = createClient(chat, { url: "wss://example.com/bowline", token: () => session.getToken() });
 */
export function createClient<C extends Contract>(contract: C, options: ClientOptions): Client<C> {
  const onError = options.onError ?? reportToConsole;
  const report = (error: unknown): void => {
    try {
      onError(error);
    } catch (failure) {
      reportToConsole(failure);
    }
  };
  const { token, user } = options;
  const core = new ClientCore({
    contract,
    url: resolveUrl(options.url),
    token: typeof token === "function" ? token : () => token,
    user: () => textOption("user", typeof user === "function" ? user() : user, userIdLengthMax),
    store: options.store ?? memoryStore,
    transport: options.transport ?? systemTransport(options.WebSocket),
    outbox: { count: 1000, length: 1024 * 1024, ...options.outbox },
    clock: options.clock ?? pageClock,
    random: options.random ?? systemRandom,
    fates: new Emitter<Fate>(report),
    say: (printed, text) => {
      if (options.log !== false) sayOnce(printed, text);
    },
    report,
  });
  if (options.connect !== false) core.connect();
  return core as unknown as Client<C>;
}

/** Who is told more reads no more of it. */
const printedMax = 100;

function resolveUrl(url: string): string {
  const base = (globalThis as { location?: { href?: string } }).location?.href;
  const resolved = URL.canParse(url, base) ? new URL(url, base).href.replace(/^http/, "ws") : "";
  if (!/^wss?:/.test(resolved))
    throw new TypeError(`url must be like "wss://example.com/bowline", not ${url}`);
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
