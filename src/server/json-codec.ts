import { decodeClientFrame, FrameError } from "../protocol/decode.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { jsonSubprotocol } from "../protocol/frames.ts";
import type { Codec } from "./codec.ts";

/** What the events of rooms begin with, by the room's name: of those that were written last. */
const prefixes = new Map<string, string>();
const prefixesMax = 1024;

/** The encoding that every server and every client has. What is JSON already is spliced in, and never encoded again. */
export const jsonCodec: Codec = {
  subprotocol: jsonSubprotocol,
  decode(message) {
    if (typeof message === "string") return decodeClientFrame(message);
    throw new FrameError("a binary message on a text subprotocol");
  },
  frame: encodeFrame,
  reply: (ref, payload) => `{"type":"reply","ref":${ref},"payload":${payload}}`,
  list: (frame, members) => `${encodeFrame(frame).slice(0, -1)},"members":${members}}`,
  publication(room, { offset, data }) {
    const prefix = prefixes.get(room) ?? addPrefix(room);
    return `${prefix}${offset},${data.slice(1)}`;
  },
  signal: (room, data) => `{"type":"signal","room":${JSON.stringify(room)},${data.slice(1)}`,
};

function addPrefix(room: string): string {
  if (prefixes.size >= prefixesMax) prefixes.clear();
  const prefix = `{"type":"event","room":${JSON.stringify(room)},"offset":`;
  prefixes.set(room, prefix);
  return prefix;
}
