import { Buffer } from "node:buffer";
import type { Batch, Framing, Message } from "../../server/engine.ts";

/** First bytes of a frame that is a whole message. */
const textFrame = 0x81;
const binaryFrame = 0x82;
const twoByteLength = 126;
const eightByteLength = 127;

/** Up to here Node writes a string from its stack (`StreamBase::WriteString`), and the header of each length is kept. */
const asciiLengthMax = 4096;
const asciiHeaders: string[] = [];

/**
 * A frame as a string, one character a byte. The single short message of plain ASCII is by far the most common batch,
 * and a string costs neither a buffer to make nor an unwrapping of it for each socket.
 */
export class AsciiFrame implements Batch {
  readonly bytes: string;
  readonly byteLength: number;

  constructor(message: string) {
    this.bytes = (asciiHeaders[message.length] ??= asciiHeader(message.length)) + message;
    this.byteLength = this.bytes.length;
  }
}

/**
 * Frames messages by RFC 6455, section 5.2: a server's frames are unmasked, so the same bytes serve every socket. Each
 * message is one frame; a batch is several of them back to back.
 */
export const nodeFraming: Framing = {
  pack(messages) {
    return messages.length === 1 ? packOne(messages[0] as Message) : packAll(messages);
  },

  join(batches: readonly Batch[]): Batch {
    return Buffer.concat(batches.map(toBuffer));
  },
};

function toBuffer(batch: Batch): Buffer {
  return batch instanceof AsciiFrame ? Buffer.from(batch.bytes, "latin1") : (batch as Buffer);
}

function packOne(message: Message): Batch {
  const length = Buffer.byteLength(message);
  if (typeof message === "string" && length === message.length && length <= asciiLengthMax)
    return new AsciiFrame(message);
  const buffer = Buffer.allocUnsafe(headerLength(length) + length);
  writeFrame(buffer, 0, message, length);
  return buffer;
}

function asciiHeader(length: number): string {
  const header = Buffer.allocUnsafe(headerLength(length));
  writeHeader(header, 0, textFrame, length);
  return header.toString("latin1");
}

function packAll(messages: readonly Message[]): Buffer {
  const lengths = messages.map((message) => Buffer.byteLength(message));
  let total = 0;
  for (const length of lengths) total += headerLength(length) + length;
  const buffer = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [index, message] of messages.entries()) {
    const length = lengths[index] as number;
    at = writeFrame(buffer, at, message, length);
  }
  return buffer;
}

/** Where every character of a text is one byte, the copy needs no transcoding. Gives where the frame ends. */
function writeFrame(buffer: Buffer, from: number, message: Message, length: number): number {
  if (typeof message === "string") {
    const at = writeHeader(buffer, from, textFrame, length);
    return at + buffer.write(message, at, length === message.length ? "latin1" : "utf8");
  }
  const at = writeHeader(buffer, from, binaryFrame, length);
  buffer.set(message, at);
  return at + length;
}

function headerLength(length: number): number {
  if (length < twoByteLength) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, at: number, first: number, length: number): number {
  buffer[at] = first;
  if (length < twoByteLength) {
    buffer[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    buffer[at + 1] = twoByteLength;
    return buffer.writeUInt16BE(length, at + 2);
  }
  buffer[at + 1] = eightByteLength;
  buffer.writeUInt32BE(0, at + 2);
  return buffer.writeUInt32BE(length, at + 6);
}
