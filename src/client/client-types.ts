import type { Clock, Undo } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
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
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import type { JoinOptions } from "./join-options.ts";
import type { Room } from "./room-types.ts";
import type { Transport, WebSocketClass } from "./socket.ts";
import type { Status } from "./status.ts";
import type { Store } from "./store.ts";

/** Where a token comes from: called before each attempt. Null, undefined and an empty text are no token. */
export type TokenSource = () => string | null | undefined | Promise<string | null | undefined>;

/** Bounds of what waits to be settled; a publish or request beyond one is refused with `OUTBOX_FULL`. */
export interface OutboxLimits {
  /** Publishes and requests. Default 1,000. */
  readonly count: number;
  /** UTF-16 units of their payloads as JSON. Default 1,048,576. */
  readonly length: number;
}

/** Options of `createClient`. */
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
   * true; builds of a page for production tell nothing.
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
