import { Buffer } from "node:buffer";
import type { Batch, Framing } from "../../server/engine.ts";

const textFrame = 0x81;
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
    return messages.length === 1 ? packOne(messages[0] as string) : packAll(messages);
  },

  join(batches: readonly Batch[]): Batch {
    return Buffer.concat(batches.map(toBuffer));
  },
};

function toBuffer(batch: Batch): Buffer {
  return batch instanceof AsciiFrame ? Buffer.from(batch.bytes, "latin1") : (batch as Buffer);
}

function packOne(message: string): Batch {
  const length = Buffer.byteLength(message);
  if (length === message.length && length <= asciiLengthMax) return new AsciiFrame(message);
  const buffer = Buffer.allocUnsafe(headerLength(length) + length);
  writeMessage(buffer, writeHeader(buffer, 0, length), message, length);
  return buffer;
}

function asciiHeader(length: number): string {
  const header = Buffer.allocUnsafe(headerLength(length));
  writeHeader(header, 0, length);
  return header.toString("latin1");
}

function packAll(messages: readonly string[]): Buffer {
  const lengths = messages.map((message) => Buffer.byteLength(message));
  let total = 0;
  for (const length of lengths) total += headerLength(length) + length;
  const buffer = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [index, message] of messages.entries()) {
    const length = lengths[index] as number;
    at = writeMessage(buffer, writeHeader(buffer, at, length), message, length);
  }
  return buffer;
}

/** Where every character is one byte, the copy needs no transcoding. */
function writeMessage(buffer: Buffer, at: number, message: string, length: number): number {
  return at + buffer.write(message, at, length === message.length ? "latin1" : "utf8");
}

function headerLength(length: number): number {
  if (length < twoByteLength) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, at: number, length: number): number {
  buffer[at] = textFrame;
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
