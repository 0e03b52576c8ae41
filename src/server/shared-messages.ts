import type { Codec } from "./codec.ts";
import type { Batch, Message } from "./engine.ts";
import type { WireFormat } from "./wire-formats.ts";

/** What many connections are sent. */
export interface Encodable {
  encode(codec: Codec): readonly Message[];
}

/** It in one format. `batch` is null where the codec failed. */
interface Formatted {
  readonly format: WireFormat;
  readonly messages: readonly Message[];
  readonly batch: Batch | null;
}

const none: readonly Formatted[] = [];

/**
 * What many connections are sent, whatever their formats: encoded once for each codec that one of them has, framed once
 * for each framing of it, and not at all for others. A room whose readers all have one format looks no further than that.
 */
export class SharedMessages {
  readonly #content: Encodable;
  readonly #report: (error: unknown) => void;
  /** The first that was asked for, which most often is the only one. */
  #first: Formatted | null = null;
  /** The others. */
  #more: readonly Formatted[] = none;

  constructor(content: Encodable, report: (error: unknown) => void) {
    this.#content = content;
    this.#report = report;
  }

  /** The batch for connections of a format; null where its codec failed, which was reported. */
  batch(format: WireFormat): Batch | null {
    this.#first ??= this.#encode(format);
    if (this.#first.format === format) return this.#first.batch;
    const made = this.#more.find((it) => it.format === format) ?? this.#make(this.#first, format);
    return made.batch;
  }

  #make(first: Formatted, format: WireFormat): Formatted {
    const encoded = [first, ...this.#more].find((it) => it.format.codec === format.codec);
    const made = encoded ? pack(format, encoded.messages) : this.#encode(format);
    this.#more = [...this.#more, made];
    return made;
  }

  #encode(format: WireFormat): Formatted {
    try {
      return pack(format, this.#content.encode(format.codec));
    } catch (error) {
      this.#report(error);
      return { format, messages: [], batch: null };
    }
  }
}

function pack(format: WireFormat, messages: readonly Message[]): Formatted {
  return { format, messages, batch: messages.length > 0 ? format.framing.pack(messages) : null };
}
