import { frameCodec, type Codec } from "../../src/server/codec.ts";

/** A binary encoding: each value is a letter for its kind, and what belongs to it. Lengths and numbers are big-endian. */
export const binarySubprotocol = "test.v1.binary";

/** The same object for all servers: a codec keeps nothing. */
export const binaryCodec: Codec = frameCodec({
  subprotocol: binarySubprotocol,
  encode: pack,
  decode: unpack,
});

export function pack(value: unknown): Uint8Array {
  return Buffer.concat(chunksOf(value));
}

export function unpack(message: string | Uint8Array): unknown {
  if (typeof message === "string") throw new TypeError("a text on a binary subprotocol");
  const source = new Source(message);
  const value = source.value();
  source.end();
  return value;
}

function chunksOf(value: unknown): Buffer[] {
  if (typeof value === "string") return [sized("s", Buffer.byteLength(value)), Buffer.from(value)];
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9, "d");
    bytes.writeDoubleBE(value, 1);
    return [bytes];
  }
  if (Array.isArray(value)) return [sized("a", value.length), ...value.flatMap(chunksOf)];
  if (typeof value !== "object" || value === null) return [Buffer.from(String(value).slice(0, 1))];
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return [sized("o", fields.length), ...fields.flat().flatMap(chunksOf)];
}

function sized(kind: string, size: number): Buffer {
  const bytes = Buffer.alloc(5, kind);
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

/** Reads values from bytes; throws where there are none left. */
class Source {
  readonly #bytes: Buffer;
  #at = 0;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
  }

  value(): unknown {
    const kind = this.#take(1).toString();
    if (kind === "s") return this.#take(this.#size()).toString();
    if (kind === "d") return this.#take(8).readDoubleBE();
    if (kind === "a") return Array.from({ length: this.#size() }, () => this.value());
    if (kind === "o") return Object.fromEntries(Array.from({ length: this.#size() }, () => this.#field()));
    const literal = { t: true, f: false, n: null }[kind];
    if (literal === undefined) throw new TypeError(`no kind of value: ${kind}`);
    return literal;
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw new RangeError("something follows the frame");
  }

  #field(): [string, unknown] {
    return [String(this.value()), this.value()];
  }

  #size(): number {
    const size = this.#take(4).readUInt32BE();
    // Nothing is made room for that is not there.
    if (size > this.#bytes.length - this.#at) throw new RangeError("ends in the middle");
    return size;
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError("ends in the middle");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
