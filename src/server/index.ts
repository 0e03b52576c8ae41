/**
 * The server: rooms, requests, sessions and delivery for one contract. Serve it with `bowline/node`.
 *
 * @module
 */
export type { HistoryOptions } from "./arguments.ts";
export { createServer } from "./server.ts";
export type { ClusterStats, PublicationOf, Server, ServerUser, UserDisconnected } from "./server.ts";
export type { ServerOptions } from "./options.ts";
export type { NodeStats } from "./cluster.ts";
export { memory } from "./memory-broker.ts";
export type { MemoryBrokerOptions } from "./memory-broker.ts";
export { defaultLimits } from "./limits.ts";
export type { Limits } from "./limits.ts";
export type { Logger } from "./logging/logger.ts";
export type { AuthRequest, Authenticate } from "./gate.ts";
export type { AllowedOrigins, OriginRule } from "./origins.ts";
export type {
  PublishContext,
  RequestContext,
  RequestHandler,
  RoomContext,
  RoomHandlers,
} from "./handlers.ts";
export type { ErrorInfo, Stage } from "./refusal.ts";
export type { UserLike } from "./connection.ts";
export type * from "./broker.ts";
export { checkedFrame, frameCodec } from "./codec.ts";
export type { Codec, FrameCodecOptions } from "./codec.ts";
export type * from "./engine.ts";
export { BowlineError } from "../protocol/errors.ts";
