/**
 * The client, for browsers and Node.
 *
 * @module
 */
export { createClient } from "./client.ts";
export type { Fate, Publish, RequestCallOptions } from "./calls.ts";
export type { Client, ClientOptions, OutboxLimits, TokenSource } from "./client-types.ts";
export type { JoinOptions } from "./join-options.ts";
export type { Gap, Message, RoomStatus, SignalMessage } from "./room-news.ts";
export type { Room, RoomPresence } from "./room-types.ts";
export type {
  Refusal,
  Transport,
  TransportListener,
  TransportSocket,
  WebSocketClass,
  WebSocketLike,
} from "./socket.ts";
export type { Status } from "./status.ts";
export type { Store, StoreChange, StoredPublish, StoredSession, StoredState } from "./store.ts";
export type { Clock, Undo } from "../base/clock.ts";
export type { Random } from "../base/random.ts";
export type { Contract, EventDefinition, RoomDefinition, SignalDefinition } from "../contract/contract.ts";
export type * from "../contract/infer.ts";
export { BowlineError } from "../protocol/errors.ts";
export type { BowlineErrorOptions, Issue } from "../protocol/errors.ts";
export type { RefusalBody, Member, Position } from "../protocol/frames.ts";
