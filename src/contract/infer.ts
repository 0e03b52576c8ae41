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

/** The definition behind a room name. */
export type RoomOf<C extends Contract, Name extends string> = C["rooms"][PatternOf<PatternsOf<C>, Name>];

/** The events and signals of a room. */
export type EventsOf<R extends RoomDefinition> = R["events"];

/** Names of the events and signals a client may send. */
export type ClientEventNames<R extends RoomDefinition> = {
  [Name in keyof R["events"] & string]: R["events"][Name]["from"] extends "client" ? Name : never;
}[keyof R["events"] & string];

/** Names of the durable events of a room. */
export type EventNames<R extends RoomDefinition> = {
  [Name in keyof R["events"] & string]: R["events"][Name] extends EventDefinition ? Name : never;
}[keyof R["events"] & string];

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
export type PresenceIn<R extends RoomDefinition> = R["presence"] extends Schema
  ? InputOf<R["presence"]>
  : never;

/** A member's presence state as it is seen. */
export type PresenceOut<R extends RoomDefinition> = R["presence"] extends Schema
  ? OutputOf<R["presence"]>
  : never;
