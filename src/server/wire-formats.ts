import { tokenSubprotocolPrefix } from "../protocol/frames.ts";
import { checkType, shownValue } from "../base/options.ts";
import type { Codec } from "./codec.ts";
import type { Framing } from "./engine.ts";
import { jsonCodec } from "./json-codec.ts";

/**
 * How what is sent to a connection is written: by the codec of its subprotocol, in the framing of its socket. There is one
 * object for each pair of them, so that connections which have the same one are sent the same bytes.
 */
export interface WireFormat {
  readonly codec: Codec;
  readonly framing: Framing;
}

/** The codecs of a server, and the formats that its connections have by now. */
export class WireFormats {
  readonly #codecs: ReadonlyMap<string, Codec>;
  readonly #formats = new WeakMap<Framing, Map<string, WireFormat>>();

  /** `codecs`: those beside JSON's. */
  constructor(codecs: readonly Codec[]) {
    this.#codecs = new Map([jsonCodec, ...codecs].map((codec) => [codec.subprotocol, codec]));
  }

  get subprotocols(): readonly string[] {
    return [...this.#codecs.keys()];
  }

  /** The first of the offered subprotocols that there is a codec for. */
  choose(offered: readonly string[]): string | null {
    return offered.find((subprotocol) => this.#codecs.has(subprotocol)) ?? null;
  }

  /** The format of a connection whose subprotocol is one of these. */
  of(subprotocol: string, framing: Framing): WireFormat {
    const codec = this.#codecs.get(subprotocol);
    if (!codec) throw new Error(`an engine must select the subprotocol it was told, not "${subprotocol}"`);
    const formats = this.#formats.get(framing) ?? new Map<string, WireFormat>();
    this.#formats.set(framing, formats);
    const format = formats.get(subprotocol) ?? { codec, framing };
    formats.set(subprotocol, format);
    return format;
  }
}

/** A token of RFC 9110, section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;

const functions = ["decode", "frame", "reply", "list", "publication", "signal"] as const;

/** The option `codecs`. Throws a `TypeError` that names what does not fit. */
export function checkCodecs(codecs: readonly Codec[] = []): readonly Codec[] {
  if (!Array.isArray(codecs)) throw new TypeError(`codecs must be a list, not ${shownValue(codecs)}`);
  const taken = new Set([jsonCodec.subprotocol]);
  for (const [index, codec] of (codecs as readonly Codec[]).entries()) {
    checkCodec(`codecs[${index}]`, codec, taken);
    taken.add(codec.subprotocol);
  }
  return codecs as readonly Codec[];
}

function checkCodec(where: string, codec: Codec, taken: ReadonlySet<string>): void {
  const { subprotocol } = (codec ?? {}) as Partial<Codec>;
  if (typeof subprotocol !== "string")
    throw new TypeError(`${where} must be a codec, e.g. of frameCodec(), not ${shownValue(codec)}`);
  if (!tokenPattern.test(subprotocol) || subprotocol.startsWith(tokenSubprotocolPrefix))
    throw new TypeError(
      `${where}: the subprotocol must be a token of HTTP, like "chat.v1.msgpack", not ${shownValue(subprotocol)}`,
    );
  if (taken.has(subprotocol))
    throw new TypeError(`${where}: there is a codec for the subprotocol "${subprotocol}" already`);
  for (const name of functions) {
    if (codec[name] === undefined) throw new TypeError(`${where}: ${name} is missing`);
    checkType(`${where}: ${name}`, codec[name], "function");
  }
}
