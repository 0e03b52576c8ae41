import { RoomMatcher, roomParamLengthMax, type RoomMatch } from "./room-name.ts";
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
  if (user.length < 1 || user.length > roomParamLengthMax)
    throw new TypeError(
      `a user with an inbox must have an id of 1 to ${roomParamLengthMax} characters, percent-encoded, not "${userId}"`,
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
  const from = (options?.from ?? "client") as FromOf<Options>;
  return { kind: "event", payload: checkSchema(payload, "event"), from };
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
  const from = (options?.from ?? "client") as FromOf<Options>;
  return { kind: "signal", payload: checkSchema(payload, "signal"), from };
}

/** A duration: milliseconds, or a number with one of the units ms, s, m, h, d. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** What {@link room} takes. */
export interface RoomOptions {
  readonly events: Record<string, EventDefinition | SignalDefinition>;
  /** Schema of each member's presence state. Absent: the room has no presence. */
  readonly presence?: Schema;
  /** Bound of the room's log. Default 1000 publications and 7 days. */
  readonly history?: { readonly count?: number; readonly age?: Duration };
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
  const { events, presence, history: { count = 1000, age = "7d" } = {} } = options;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new TypeError(`history.count must be a whole number from 1, not ${String(count)}`);
  }
  for (const [name, definition] of Object.entries(events)) checkEvent(name, definition);
  if (presence !== undefined) checkSchema(presence, "presence");
  const history = { count, ageMs: durationMs(age, "history.age") };
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
  const { inbox } = options;
  const rooms = {
    ...options.rooms,
    ...(inbox && { [inboxPattern]: defineInbox(inbox) }),
  } as unknown as WithInbox<Rooms, Inbox>;
  if (inbox && options.rooms && Object.hasOwn(options.rooms, inboxPattern))
    throw new TypeError(`rooms: "${inboxPattern}" is the contract's inbox`);
  const matcher = new RoomMatcher<RoomDefinition>(rooms);
  return {
    rooms,
    requests: options.requests ?? ({} as Requests),
    hasInbox: inbox !== undefined,
    matchRoom: (name) => matcher.match(name),
  };
}

/** Only the server publishes there, whatever its events were made with. */
function defineInbox(inbox: InboxEvents): RoomDefinition {
  for (const [name, { kind }] of Object.entries(inbox))
    if (kind !== "event") throw new TypeError(`inbox.${name} must be made with event()`);
  const events = Object.entries(inbox).map(([name, definition]) => [name, { ...definition, from: "server" }]);
  return room({ events: Object.fromEntries(events) as Record<string, EventDefinition> });
}

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function durationMs(duration: Duration, option: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const ms =
    typeof duration === "number" ? duration : Number(amount) * (unitsMs[unit as keyof typeof unitsMs] ?? NaN);
  if (!(ms > 0))
    throw new TypeError(
      `${option} must be like "500ms", "30s", "5m", "24h" or "7d", not ${String(duration)}`,
    );
  return ms;
}

function checkSchema<S extends Schema>(schema: S, option: string): S {
  if (typeof (schema as S | undefined)?.["~standard"]?.validate !== "function") {
    throw new TypeError(
      `${option} must be a Standard Schema (zod, valibot, arktype, …), not ${typeof schema}`,
    );
  }
  return schema;
}

function checkEvent(name: string, definition: EventDefinition | SignalDefinition): void {
  if (definition?.kind !== "event" && definition?.kind !== "signal") {
    throw new TypeError(`events.${name} must be made with event() or signal()`);
  }
}
