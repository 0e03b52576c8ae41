import type { ClientFrame, ServerFrame } from "./frames.ts";

/** Writes a frame as the text of one WebSocket message. Throws what `JSON.stringify` throws on a payload it can't take. */
export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}
