import type { Undo } from "../base/clock.ts";
import type { EventDefinition, RoomDefinition, SignalDefinition } from "../contract/contract.ts";
import type { ClientEvents, PayloadIn, PayloadOut, PresenceIn, PresenceOut } from "../contract/infer.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { Publish } from "./calls.ts";
import type { Gap, Message, RoomStatus, SignalMessage } from "./room-news.ts";

type Delivered<D> = D extends EventDefinition
  ? Message<PayloadOut<D>>
  : D extends SignalDefinition
    ? SignalMessage<PayloadOut<D>>
    : never;
type Published<D> = D extends EventDefinition ? Publish : void;

/**
 * A room this client is in, across reconnects, until `leave`: one for each `join`. What comes before it has a first
 * listener is held, up to 1,000; listeners added right after `join` or `await joined()` miss nothing. Its values never
 * change but are replaced, and its functions may be taken off it. After `leave`, they fail with `CLOSED`.
 */
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
   * A rejection nobody handles ends a Node process: handle it, if only with `.catch(() => {})` and `client.onFate`.
   * A signal returns nothing and is dropped while the room is not joined; one that is too large throws `PAYLOAD_TOO_LARGE`.
   *
   * @example
   * const { offset } = await lobby.publish("message", { text: "hi" });
   * lobby.publish("typing", { active: true });
   */
  publish<Name extends keyof ClientEvents<R> & string>(
    this: void,
    event: Name,
    payload: PayloadIn<R["events"][Name]>,
  ): Published<R["events"][Name]>;

  /** Listens to an event or signal, until `leave`. Events come once each, in the room's order; a sender gets its own too, but not its own signals. */
  on<Name extends keyof R["events"] & string>(
    this: void,
    event: Name,
    listener: (message: Delivered<R["events"][Name]>) => void,
  ): Undo;

  /** Listens for gaps: something was missed that can't be had any more. Fill it from your own data. */
  onGap(this: void, listener: (gap: Gap) => void): Undo;
  onStatus(this: void, listener: (status: RoomStatus) => void): Undo;
  /** Listens for refusals that belong to no publish: of a join, a signal, a presence state. */
  onError(this: void, listener: (error: BowlineError) => void): Undo;
  /**
   * Resolves when joined; rejects when refused or left before, and while the client is closed or has stopped.
   *
   * @example
   * await lobby.joined();
   * lobby.on("message", show); // hears all of the history
   */
  joined(this: void): Promise<void>;

  readonly presence: RoomPresence<R>;

  /**
   * Undoes this join: ends its listeners, and leaves the room at the end of the turn if nobody else of this client is in it.
   * What was published still goes out. Calling it again does nothing.
   */
  leave(this: void): void;
}

/** Who is in a room. */
export interface RoomPresence<R extends RoomDefinition = RoomDefinition> {
  /** By session id; two tabs of a user are two members. Another map after each change, the same one until then. */
  readonly members: ReadonlyMap<string, Member & { readonly state: PresenceOut<R> }>;
  /** How many they are; also in a room with more than the server lists, where `members` is empty. */
  readonly count: number;
  /** Replaces this member's state for everybody, also where another join of this client gave one. While joined, throws `PAYLOAD_TOO_LARGE` on what is too large. */
  set(this: void, state: PresenceIn<R>): void;
  /** Called with all members after each change. */
  onChange(
    this: void,
    listener: (members: ReadonlyMap<string, Member & { readonly state: PresenceOut<R> }>) => void,
  ): Undo;
}
