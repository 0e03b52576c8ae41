import { Buffer } from "node:buffer";
import type { Batch, Framing } from "../../server/engine.ts";

const textFrame = 0x81;
const twoByteLength = 126;
const eightByteLength = 127;

/**
 * Frames messages by RFC 6455, section 5.2: a server's frames are unmasked, so the same bytes serve every socket. Each
 * message is one frame; a batch is several of them back to back in one buffer.
 */
export const nodeFraming: Framing = {
  pack(messages) {
    return messages.length === 1 ? packOne(messages[0] as string) : packAll(messages);
  },

  join(batches: readonly Batch[]): Batch {
    return Buffer.concat(batches as readonly Buffer[]);
  },
};

function packOne(message: string): Buffer {
  const length = Buffer.byteLength(message);
  const buffer = Buffer.allocUnsafe(headerLength(length) + length);
  writeMessage(buffer, writeHeader(buffer, 0, length), message, length);
  return buffer;
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
