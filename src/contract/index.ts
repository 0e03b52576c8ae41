/**
 * The contract: what may flow between a server and its clients, said once.
 *
 * @module
 */
export { contract, event, inboxPattern, inboxRoom, request, room, signal } from "./contract.ts";
export type {
  Contract,
  ContractOptions,
  ErrorsOf,
  EventDefinition,
  FromOf,
  FromOption,
  HistoryBound,
  InboxEvents,
  PresenceOf,
  RequestDefinition,
  RequestOptions,
  RoomDefinition,
  RoomOptions,
  SignalDefinition,
  WithInbox,
} from "./contract.ts";
export type { Duration } from "./duration.ts";
export type * from "./infer.ts";
export type { Params, PatternOf, RoomMatch, RoomName } from "./room-name.ts";
export type { InputOf, OutputOf, Schema, SchemaResult } from "./schema.ts";
export { BowlineError } from "../protocol/errors.ts";
export type { BowlineErrorOptions, Issue } from "../protocol/errors.ts";
export type { Member, Position } from "../protocol/frames.ts";
