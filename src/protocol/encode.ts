import type { ClientFrame, ServerFrame } from "./frames.ts";

/** Writes a frame as the text of one WebSocket message. Throws what `JSON.stringify` throws on a payload it can't take. */
export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** Writes a reply whose payload is JSON already, at less cost than {@link encodeFrame} on the path of every request. */
export function encodeReply(ref: number, json: string): string {
  return `{"type":"reply","ref":${ref},"payload":${json}}`;
}

/** What every event frame of a room starts with. */
export function eventFramePrefix(room: string): string {
  return `{"type":"event","room":${JSON.stringify(room)},"offset":`;
}

/** The event frame of an encoded publication: two joins of strings, nothing is encoded again. */
export function eventFrameText(prefix: string, offset: number, publication: string): string {
  return `${prefix}${offset},${publication.slice(1)}`;
}

/** The frame of a signal, whose other fields are JSON already. */
export function signalFrameText(room: string, signal: string): string {
  return `{"type":"signal","room":${JSON.stringify(room)},${signal.slice(1)}`;
}
