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

/**
 * What many connections are sent, whatever their formats: encoded once for each codec that one of them has, framed once
 * for each framing of it, and not at all for others. A room whose readers all have one format looks no further than that.
 */
export class SharedMessages {
  readonly #content: Encodable;
  readonly #report: (error: unknown) => void;
  readonly #made: Formatted[] = [];
  /** The one that was asked for last, which most often is the only one. */
  #last: Formatted | null = null;

  constructor(content: Encodable, report: (error: unknown) => void) {
    this.#content = content;
    this.#report = report;
  }

  /** The batch for connections of a format; null where its codec failed, which was reported. */
  batch(format: WireFormat): Batch | null {
    if (this.#last?.format !== format)
      this.#last = this.#made.find((it) => it.format === format) ?? this.#make(format);
    return this.#last.batch;
  }

  #make(format: WireFormat): Formatted {
    const encoded = this.#made.find((it) => it.format.codec === format.codec);
    const made = encoded ? pack(format, encoded.messages) : this.#encode(format);
    this.#made.push(made);
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
