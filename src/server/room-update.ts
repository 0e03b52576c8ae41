import type { PresenceFrame } from "../protocol/frames.ts";
import type { LogEntry } from "./broker.ts";
import type { Codec } from "./codec.ts";
import type { Batch, Message } from "./engine.ts";
import { SharedMessages, type Encodable } from "./shared-messages.ts";
import type { WireFormat } from "./wire-formats.ts";

/** What a room has for its live readers in one turn: publications, then the newest signals, then presence. */
export class RoomUpdate implements Encodable {
  /** UTF-16 units of the publications' data. */
  length = 0;
  presence: PresenceFrame | null = null;
  readonly #room: string;
  #entries: LogEntry[] | null = null;
  #signals: Map<string, string> | null = null;
  readonly #shared: SharedMessages;

  constructor(room: string, report: (error: unknown) => void) {
    this.#room = room;
    this.#shared = new SharedMessages(this, report);
  }

  addEntry(entry: LogEntry): void {
    // Most often it is the only one.
    if (this.#entries) this.#entries.push(entry);
    else this.#entries = [entry];
    this.length += entry.data.length;
  }

  /** Of two signals with one key, the newer replaces the older. */
  addSignal(key: string, data: string): void {
    this.#signals ??= new Map();
    this.#signals.set(key, data);
  }

  /** All of it, the same bytes for each connection of a format; null where its codec failed, which was reported. */
  batch(format: WireFormat): Batch | null {
    return this.#shared.batch(format);
  }

  encode(codec: Codec): readonly Message[] {
    const room = this.#room;
    const messages: Message[] = this.#entries?.map((entry) => codec.publication(room, entry)) ?? [];
    if (this.#signals) for (const data of this.#signals.values()) messages.push(codec.signal(room, data));
    if (this.presence) messages.push(codec.frame(this.presence));
    return messages;
  }
}
