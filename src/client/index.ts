/**
 * The client, for browsers and Node.
 *
 * @module
 */
export { createClient } from "./client.ts";
export type { Fate, Publish, RequestCallOptions } from "./calls.ts";
export type { Client, ClientOptions, Room, RoomPresence } from "./client.ts";
export type { TokenSource } from "./connection-context.ts";
export type { OutboxLimits } from "./outbox.ts";
export type { Gap, JoinOptions, Message, RoomStatus, SignalMessage } from "./room.ts";
export type {
  Refusal,
  Transport,
  TransportListener,
  TransportSocket,
  WebSocketClass,
  WebSocketLike,
} from "./socket.ts";
export type { Status } from "./status.ts";
export { applyChange } from "./store.ts";
export type { Store, StoreChange, StoredPublish, StoredSession, StoredState } from "./store.ts";
export { BowlineError } from "../protocol/errors.ts";
