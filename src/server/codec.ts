/**
 * The seam between the server and the wire: how frames are written as messages, and read again. Written to whoever adds
 * an encoding. There is one codec for each subprotocol; of those that a client offers, the first that the server has is
 * its connection's. The JSON codec beside this file is a full implementation. {@link frameCodec} makes one of two
 * functions; a codec by hand can save work on what is there as JSON already.
 *
 * A codec MUST carry each frame of spec/PROTOCOL.md with all of its fields. A payload is any JSON value, and comes out as it
 * went in. It MUST throw a `FrameError` on what is no frame, by the same rules as JSON's: {@link checkedFrame} holds them.
 * It MUST NOT keep anything of a connection, nor the bytes that it is given: one codec serves all connections, and what it
 * gives is sent to any number of them. It MUST NOT throw on what the server gives it to write: where it does, that is
 * reported, and the connection closed.
 */
import { decodeClientFrame, FrameError } from "../protocol/decode.ts";
import type {
  ClientFrame,
  EventFrame,
  JoinedFrame,
  Member,
  PresenceFrame,
  ServerFrame,
  SignalFrame,
} from "../protocol/frames.ts";
import type { LogEntry } from "./broker.ts";
import type { Message } from "./engine.ts";

/** An encoding of the wire. */
export interface Codec {
  /** Names version and encoding, e.g. `bowline.v1.msgpack`: a token of HTTP. */
  readonly subprotocol: string;
  /** Reads a client's message. Throws a `FrameError`; with a subject, where it can be told what is refused. */
  decode(message: Message): ClientFrame;
  /** Writes a frame. */
  frame(frame: ServerFrame): Message;
  /** Writes a reply, whose `payload` is JSON. */
  reply(ref: number, payload: string): Message;
  /** Writes a frame with a room's `members`, which are JSON: an array of {@link Member}. */
  list(frame: JoinedFrame | PresenceFrame, members: string): Message;
  /** Writes an entry of a room's log as an event, once for all that read it. Its data is the JSON of the other fields. */
  publication(room: string, entry: LogEntry): Message;
  /** Writes a signal, once for all that read the room. `data` is the JSON of the fields beside type and room. */
  signal(room: string, data: string): Message;
}

/** The two functions that make a codec. */
export interface FrameCodecOptions {
  readonly subprotocol: string;
  /** Writes a frame, whose payloads are JSON values. */
  readonly encode: (frame: ServerFrame) => Message;
  /** Reads a message as a value, which is checked after. Whatever it throws, the message is no frame. */
  readonly decode: (message: Message) => unknown;
}

/**
 * A codec of two functions that write and read whole frames. Where the server has JSON, it is parsed: once for each
 * publication and signal, however many readers there are.
 *
 * @example
 * const msgpack = frameCodec({ subprotocol: "chat.v1.msgpack", encode: pack, decode: unpack });
 * createServer(chat, { codecs: [msgpack] });
 */
export function frameCodec({ subprotocol, encode, decode }: FrameCodecOptions): Codec {
  return {
    subprotocol,
    decode: (message) => checkedFrame(valueOf(decode, message)),
    frame: (frame) => encode(frame),
    reply: (ref, payload) => encode({ type: "reply", ref, payload: JSON.parse(payload) as unknown }),
    list: (frame, members) => encode({ ...frame, members: JSON.parse(members) as Member[] }),
    publication(room, { offset, data }) {
      const fields = JSON.parse(data) as Omit<EventFrame, "type" | "room" | "offset">;
      return encode({ type: "event", room, offset, ...fields });
    },
    signal(room, data) {
      const fields = JSON.parse(data) as Omit<SignalFrame, "type" | "room">;
      return encode({ type: "signal", room, ...fields });
    },
  };
}

/**
 * A value that was read of a message, if it is a sound frame; throws a `FrameError` if not. It goes through JSON: what
 * JSON can't hold is no payload, and so all encodings have the same rules.
 */
export function checkedFrame(value: unknown): ClientFrame {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new FrameError(`no JSON value: ${(error as Error).message}`);
  }
  if (text === undefined) throw new FrameError("not an object");
  return decodeClientFrame(text);
}

function valueOf(decode: FrameCodecOptions["decode"], message: Message): unknown {
  try {
    return decode(message);
  } catch (error) {
    if (error instanceof FrameError) throw error;
    throw new FrameError(`can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
