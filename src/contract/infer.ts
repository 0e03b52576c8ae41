import type {
  Contract,
  EventDefinition,
  RequestDefinition,
  RoomDefinition,
  SignalDefinition,
} from "./contract.ts";
import type { PatternOf, RoomName } from "./room-name.ts";
import type { InputOf, OutputOf, Schema } from "./schema.ts";

/** The room patterns of a contract. */
export type PatternsOf<C extends Contract> = keyof C["rooms"] & string;

/** Every room name a contract's patterns fit. */
export type RoomNamesOf<C extends Contract> = RoomName<PatternsOf<C>>;

/**
 * What a room name is passed as: the name itself. Where no pattern fits it, a text for TypeScript to show in its error:
 * {@link RoomNamesOf} alone can't tell `chat/a/b` from `chat/a`. The text's branch comes first, which TypeScript skips for
 * a name that is still generic, so that functions generic in their room's name can pass it on.
 */
export type RoomArgument<C extends Contract, Name extends string> =
  AllFit<PatternsOf<C>, Name> extends false ? "no room pattern of the contract fits this name" : Name;

type AllFit<Patterns extends string, Name extends string> = [Unfit<Patterns, Name>] extends [never]
  ? true
  : false;

/** Those names of a union that fit none. */
type Unfit<Patterns extends string, Name extends string> = Name extends string
  ? [PatternOf<Patterns, Name>] extends [never]
    ? Name
    : never
  : never;

/** The definition behind a room name. */
export type RoomOf<C extends Contract, Name extends string> = C["rooms"][PatternOf<PatternsOf<C>, Name>];

/** The events and signals of a room. */
export type EventsOf<R extends RoomDefinition> = R["events"];

// The next three are mapped types: TypeScript lists the keys of one in an error, and would only name an alias of them.

/** The events and signals of a room that a client may send. */
export type ClientEvents<R extends RoomDefinition> = {
  [Name in keyof R["events"] as R["events"][Name]["from"] extends "client" ? Name : never]: R["events"][Name];
};

/** The durable events among events and signals. */
export type Durable<Events> = {
  [Name in keyof Events as Events[Name] extends EventDefinition ? Name : never]: Events[Name];
};

/** The signals among events and signals. */
export type Signals<Events> = {
  [Name in keyof Events as Events[Name] extends SignalDefinition ? Name : never]: Events[Name];
};

/** Names of the events and signals a client may send. */
export type ClientEventNames<R extends RoomDefinition> = keyof ClientEvents<R> & string;

/** Names of the durable events of a room. */
export type EventNames<R extends RoomDefinition> = keyof Durable<EventsOf<R>> & string;

/** What a sender passes for an event or signal. */
export type PayloadIn<D extends EventDefinition | SignalDefinition> = InputOf<D["payload"]>;

/** What a receiver gets of an event or signal. */
export type PayloadOut<D extends EventDefinition | SignalDefinition> = OutputOf<D["payload"]>;

/** What a caller passes to a request, and what its handler returns. */
export type RequestInput<D extends RequestDefinition> = InputOf<D["input"]>;

/** What the handler of a request gets. */
export type RequestPayload<D extends RequestDefinition> = OutputOf<D["input"]>;

/** What the handler of a request returns. */
export type RequestResult<D extends RequestDefinition> = InputOf<D["output"]>;

/** What the caller of a request gets. */
export type RequestReply<D extends RequestDefinition> = OutputOf<D["output"]>;

/** A member's presence state as it is set; `never` where the room has no presence. */
export type PresenceIn<R extends RoomDefinition> = R["presence"] extends infer S
  ? S extends Schema
    ? InputOf<S>
    : never
  : never;

/** A member's presence state as it is seen. */
export type PresenceOut<R extends RoomDefinition> = R["presence"] extends infer S
  ? S extends Schema
    ? OutputOf<S>
    : never
  : never;
