const finalBit = 0x80;
const maskBit = 0x80;
const opcodeBits = 0x0f;
/** Opcodes from here on are of control frames, which may stand between the fragments of a message. */
const firstControl = 0x08;
const maskBytes = 4;

/**
 * Follows the frames of a socket by their headers (RFC 6455, section 5.2) and looks at nothing in them. The WebSocket
 * library tells of whole messages only: what it costs to get there has to be counted before it.
 */
export class FrameMeter {
  /** Number of the message that has begun and not ended, counted from 1; 0 when there is none. */
  message = 0;
  /** How many frames began in what was read last. */
  frames = 0;
  #messages = 0;
  /** Bytes to go to the end of the frame: of its mask and its payload. */
  #left = 0;
  /** Bytes to go of an extended length; −1 where the byte with the length comes next. */
  #lengthLeft = 0;
  /** The first byte of the frame. */
  #first = 0;
  #isMasked = false;

  /** Goes through what came next, up to where one frame more than `framesMax` begins; gives how many bytes that is. */
  read(bytes: Uint8Array, framesMax: number): number {
    let begun = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0 && this.#lengthLeft === 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        at += passed;
        this.#left -= passed;
        if (this.#left === 0) this.#end();
        continue;
      }
      const byte = bytes[at] as number;
      if (this.#lengthLeft > 0) this.#readLength(byte);
      else if (this.#lengthLeft < 0) this.#readShortLength(byte);
      else {
        if (begun === framesMax) break;
        begun += 1;
        this.#begin(byte);
      }
      at += 1;
    }
    this.frames = begun;
    return at;
  }

  #begin(byte: number): void {
    this.#first = byte;
    this.#lengthLeft = -1;
    if ((byte & opcodeBits) < firstControl && this.message === 0) this.message = ++this.#messages;
  }

  #readShortLength(byte: number): void {
    const length = byte & ~maskBit;
    this.#isMasked = (byte & maskBit) !== 0;
    this.#lengthLeft = length === 127 ? 8 : length === 126 ? 2 : 0;
    this.#left = this.#lengthLeft > 0 ? 0 : length;
    if (this.#lengthLeft === 0) this.#beginPayload();
  }

  #readLength(byte: number): void {
    this.#left = this.#left * 256 + byte;
    this.#lengthLeft -= 1;
    if (this.#lengthLeft === 0) this.#beginPayload();
  }

  #beginPayload(): void {
    if (this.#isMasked) this.#left += maskBytes;
    if (this.#left === 0) this.#end();
  }

  #end(): void {
    if ((this.#first & opcodeBits) < firstControl && (this.#first & finalBit) !== 0) this.message = 0;
  }
}
