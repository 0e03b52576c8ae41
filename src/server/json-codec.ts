import { decodeClientFrame, FrameError } from "../protocol/decode.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { jsonSubprotocol } from "../protocol/frames.ts";
import type { Codec } from "./codec.ts";

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
  publication: (room, { offset, data }) =>
    `{"type":"event","room":${JSON.stringify(room)},"offset":${offset},${data.slice(1)}`,
  signal: (room, data) => `{"type":"signal","room":${JSON.stringify(room)},${data.slice(1)}`,
};
