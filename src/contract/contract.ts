import { checkOptions } from "../base/options.ts";
import { checkKind, checkSchema } from "./check-definition.ts";
import { durationMs, type Duration } from "./duration.ts";
import { RoomMatcher, roomParamBytesMax, type RoomMatch } from "./room-name.ts";
import type { Schema } from "./schema.ts";

/** A durable event: stored in the room's log, delivered in order, exactly once. */
export interface EventDefinition<
  S extends Schema = Schema,
  From extends "client" | "server" = "client" | "server",
> {
  readonly kind: "event";
  readonly payload: S;
  readonly from: From;
}

/** An ephemeral signal: the newest of a sender wins, and it may be dropped. */
export interface SignalDefinition<
  S extends Schema = Schema,
  From extends "client" | "server" = "client" | "server",
> {
  readonly kind: "signal";
  readonly payload: S;
  readonly from: From;
}

/** What may flow in one kind of room. */
export interface RoomDefinition<
  Events extends Record<string, EventDefinition | SignalDefinition> = Record<
    string,
    EventDefinition | SignalDefinition
  >,
  Presence extends Schema | undefined = Schema | undefined,
> {
  readonly kind: "room";
  readonly events: Events;
  readonly presence: Presence;
  readonly history: HistoryBound;
}

/** A question the server answers. */
export interface RequestDefinition<
  Input extends Schema = Schema,
  Output extends Schema = Schema,
  Errors extends string = string,
> {
  readonly kind: "request";
  readonly input: Input;
  readonly output: Output;
  readonly errors: readonly Errors[];
  readonly idempotent: boolean;
}

/** How much of a room's log is kept: whichever bound is reached first. */
export interface HistoryBound {
  /** Publications. */
  readonly count: number;
  readonly ageMs: number;
  /** Bytes of the publications, encoded as JSON in UTF-8. */
  readonly bytes: number;
}

/** The room that an `inbox` makes. Its parameter is the user's id, percent-encoded. */
export const inboxPattern = "inbox/:user";

/**
 * The room of a user's inbox. Throws a `TypeError` for a user id that has none: percent-encoded, it may have 128
 * characters.
 *
 * @example
 * const inbox = client.join(inboxRoom(userId));
 */
export function inboxRoom(userId: string): `inbox/${string}` {
  const user = userId.isWellFormed() ? encodeURIComponent(userId) : "";
  if (user.length < 1 || user.length > roomParamBytesMax)
    throw new TypeError(
      `a user with an inbox must have an id of 1 to ${roomParamBytesMax} characters, percent-encoded, not "${userId}"`,
    );
  return `inbox/${user}`;
}

/** Events of an inbox: durable ones, which only the server publishes. */
export type InboxEvents = Readonly<Record<string, EventDefinition>>;

/** What an `inbox` adds to the rooms of a contract. */
export type WithInbox<Rooms, Inbox extends InboxEvents> = [keyof Inbox] extends [never]
  ? Rooms
  : Rooms & {
      readonly [inboxPattern]: RoomDefinition<
        { readonly [Name in keyof Inbox]: EventDefinition<Inbox[Name]["payload"], "server"> },
        undefined
      >;
    };

/** Everything that may flow between a server and its clients. Make one with {@link contract}. */
export interface Contract<
  Rooms extends Record<string, RoomDefinition> = Record<string, RoomDefinition>,
  Requests extends Record<string, RequestDefinition> = Record<string, RequestDefinition>,
> {
  readonly rooms: Rooms;
  readonly requests: Requests;
  /** Whether it has an `inbox`, which is the room {@link inboxPattern}. */
  readonly hasInbox: boolean;
  /** Finds the definition of a room by its name; null when no pattern fits. */
  matchRoom(name: string): RoomMatch<RoomDefinition> | null;
}

/** Who may publish an event or send a signal. */
export interface FromOption {
  /** `"client"` (default): clients and the server. `"server"`: only the server. */
  readonly from?: "client" | "server";
}

/**
 * What `from` comes to. A conditional type, like the others of this file: where a definition is written inside a
 * contract, TypeScript would otherwise take the widest type the contract allows for what the options leave out.
 */
export type FromOf<Options> = Options extends { readonly from: "server" } ? "server" : "client";

/**
 * A durable, ordered, resumable event with the given payload.
 *
 * @example
 * event(z.object({ text: z.string().min(1).max(2000) }))
 * event(z.object({ text: z.string() }), { from: "server" })
 */
export function event<S extends Schema, const Options extends FromOption = FromOption>(
  payload: S,
  options?: Options,
): EventDefinition<S, FromOf<Options>> {
  return { kind: "event", payload: checkSchema(payload, "event"), from: fromOf("event", options) };
}

/**
 * An ephemeral signal with the given payload: typing, cursors, levels. Never stored; of several sent by one client
 * within a tick only the newest goes out, and a reader that can't keep up gets none.
 *
 * @example
 * signal(z.object({ active: z.boolean() }))
 */
export function signal<S extends Schema, const Options extends FromOption = FromOption>(
  payload: S,
  options?: Options,
): SignalDefinition<S, FromOf<Options>> {
  return { kind: "signal", payload: checkSchema(payload, "signal"), from: fromOf("signal", options) };
}

/** What {@link room} takes. */
export interface RoomOptions {
  readonly events: Record<string, EventDefinition | SignalDefinition>;
  /** Schema of each member's presence state. Absent: the room has no presence. */
  readonly presence?: Schema;
  /**
   * Bound of the room's log: publications, how old they may be, and the bytes of all of them (as JSON in UTF-8). The
   * newest is kept, however large it is. Default 1,000 publications, 7 days and 8,388,608 bytes.
   */
  readonly history?: { readonly count?: number; readonly age?: Duration; readonly bytes?: number };
}

/** What `presence` comes to. */
export type PresenceOf<Options> = Options extends { readonly presence: infer S extends Schema }
  ? S
  : undefined;

/**
 * One kind of room: its events and signals, its members' presence, and how long its log is.
 *
 * @example
 * room({ events: { message: event(Message) }, presence: Person, history: { count: 200, age: "24h" } })
 */
export function room<const Options extends RoomOptions>(
  options: Options,
): RoomDefinition<Options["events"], PresenceOf<Options>> {
  checkOptions<RoomOptions>("room", options, { events: 1, presence: 1, history: 1 });
  const { events, presence, history: given = {} } = options;
  checkOptions("room, history", given, { count: 1, age: 1, bytes: 1 });
  const { count = 1000, age = "7d", bytes = 2 ** 23 } = given;
  const history = { count, ageMs: durationMs(age, "history.age"), bytes };
  for (const name of ["count", "bytes"] as const)
    if (!(Number.isSafeInteger(history[name]) && history[name] > 0))
      throw new TypeError(`history.${name} must be a whole number from 1, not ${history[name]}`);
  if (!events) throw new TypeError("room needs events: room({ events: { … } })");
  for (const [name, definition] of Object.entries(events))
    checkKind(`events.${name}`, definition, "event", "signal");
  if (presence !== undefined) checkSchema(presence, "presence");
  return { kind: "room", events, presence: presence as PresenceOf<Options>, history };
}

/** What {@link request} takes. */
export interface RequestOptions {
  readonly input: Schema;
  readonly output: Schema;
  /** Codes its handler may refuse with, besides those of the error table. */
  readonly errors?: readonly string[];
  /**
   * Whether it may be run twice. Default false: after a crash half-way, the caller gets `UNCERTAIN`. With true it is
   * run again instead, and no ledger is kept for it.
   */
  readonly idempotent?: boolean;
}

/** What `errors` comes to. */
export type ErrorsOf<Options> = Options extends { readonly errors: readonly (infer Code extends string)[] }
  ? Code
  : never;

/**
 * A question with its answer.
 *
 * @example
 * request({ input: z.object({ text: z.string() }), output: z.array(z.string()), errors: ["too_vague"] })
 */
export function request<const Options extends RequestOptions>(
  options: Options,
): RequestDefinition<Options["input"], Options["output"], ErrorsOf<Options>> {
  checkOptions<RequestOptions>("request", options, { input: 1, output: 1, errors: 1, idempotent: 1 });
  const { input, output, errors = [], idempotent = false } = options;
  checkSchema(input, "input");
  checkSchema(output, "output");
  return { kind: "request", input, output, errors: errors as readonly ErrorsOf<Options>[], idempotent };
}

/** What {@link contract} takes. */
export interface ContractOptions<
  Rooms extends Record<string, RoomDefinition>,
  Requests extends Record<string, RequestDefinition>,
  Inbox extends InboxEvents,
> {
  /** By pattern: words and `:params` between slashes, e.g. `chat/:room`. */
  readonly rooms?: Rooms;
  /** By name, e.g. `rooms.list`. */
  readonly requests?: Requests;
  /**
   * Events for one user, on every device, also when none is connected: `server.user(id).notify(…)` publishes them, and
   * clients of that user, and nobody else, get them by joining {@link inboxRoom}. A room like others.
   */
  readonly inbox?: Inbox;
}

/**
 * Says once what may flow between a server and its clients. A plain value: import it on both ends. Throws a
 * `TypeError` that names what is wrong with it.
 *
 * @example
 * export const chat = contract({
 *   rooms: { "chat/:room": room({ events: { message: event(z.object({ text: z.string() })) } }) },
 *   requests: { "rooms.list": request({ input: z.object({}), output: z.array(z.string()) }) },
 * });
 */
export function contract<
  const Rooms extends Record<string, RoomDefinition> = Record<never, never>,
  const Requests extends Record<string, RequestDefinition> = Record<never, never>,
  const Inbox extends InboxEvents = Record<never, never>,
>(options: ContractOptions<Rooms, Requests, Inbox>): Contract<WithInbox<Rooms, Inbox>, Requests> {
  checkOptions("contract", options, { rooms: 1, requests: 1, inbox: 1 });
  const { inbox, requests = {} as Requests } = options;
  for (const [name, definition] of Object.entries(options.rooms ?? {}))
    checkKind(`rooms["${name}"]`, definition, "room");
  for (const [name, definition] of Object.entries(requests))
    checkKind(`requests["${name}"]`, definition, "request");
  const rooms = {
    ...options.rooms,
    ...(inbox && { [inboxPattern]: defineInbox(inbox) }),
  } as unknown as WithInbox<Rooms, Inbox>;
  if (inbox && options.rooms && Object.hasOwn(options.rooms, inboxPattern))
    throw new TypeError(`rooms: "${inboxPattern}" is the contract's inbox`);
  const matcher = new RoomMatcher<RoomDefinition>(rooms);
  return {
    rooms,
    requests,
    hasInbox: inbox !== undefined,
    matchRoom: (name) => matcher.match(name),
  };
}

/** Only the server publishes there, whatever its events were made with. */
function defineInbox(inbox: InboxEvents): RoomDefinition {
  for (const [name, definition] of Object.entries(inbox)) checkKind(`inbox.${name}`, definition, "event");
  const events = Object.entries(inbox).map(([name, definition]) => [name, { ...definition, from: "server" }]);
  return room({ events: Object.fromEntries(events) as Record<string, EventDefinition> });
}

function fromOf<Options extends FromOption>(name: string, options: Options | undefined): FromOf<Options> {
  const { from = "client" } = options ?? {};
  checkOptions<FromOption>(name, options ?? {}, { from: 1 });
  if (from !== "client" && from !== "server")
    throw new TypeError(`${name}, from must be "client" or "server", not ${String(from)}`);
  return from as FromOf<Options>;
}
