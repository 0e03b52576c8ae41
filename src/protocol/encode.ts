import { withPayload } from "./payload.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";

/** Writes a frame as the text of one WebSocket message. Throws what `JSON.stringify` throws on a payload it can't take. */
export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** Writes a reply whose payload is JSON already, at less cost than {@link encodeFrame} on the path of every request. */
export function encodeReply(ref: number, json: string): string {
  return `{"type":"reply","ref":${ref},"payload":${json}}`;
}

/** The part of an event frame that is settled before the log gives it an offset. */
export interface Publication {
  readonly id: string;
  readonly event: string;
  readonly from: string | null;
  readonly at: number;
  readonly payload: unknown;
}

/** Encodes a publication, whose payload is JSON already, once for the log and for every reader. */
export function encodePublication(head: Omit<Publication, "payload">, json: string): string {
  return withPayload(head, json);
}

/** What every event frame of a room starts with. */
export function eventFramePrefix(room: string): string {
  return `{"type":"event","room":${JSON.stringify(room)},"offset":`;
}

/** The event frame of an encoded publication: two joins of strings, nothing is encoded again. */
export function eventFrameText(prefix: string, offset: number, publication: string): string {
  return `${prefix}${offset},${publication.slice(1)}`;
}
