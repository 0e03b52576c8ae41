/**
 * The wire, for those who write a client, a server or a tool that speaks it. spec/PROTOCOL.md is the normative text.
 *
 * @module
 */
export { closeAction, closeCodes, errorCodes } from "./codes.ts";
export type { CloseAction, CloseCode, CloseName, ErrorCode, ErrorName } from "./codes.ts";
export { decodeClientFrame, decodeServerFrame, FrameError } from "./decode.ts";
export { encodeFrame } from "./encode.ts";
export { BowlineError } from "./errors.ts";
export type { BowlineErrorOptions, Issue } from "./errors.ts";
export { defaultPath, jsonSubprotocol, tokenSubprotocolPrefix } from "./frames.ts";
export type * from "./frames.ts";
export { sessionIdOf } from "./session-id.ts";
