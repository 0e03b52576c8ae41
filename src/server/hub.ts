import type { LogBound, LogEntry, PresenceChange } from "./broker.ts";
import { HubRoom, type HubContext } from "./hub-room.ts";
import type { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";

/** The local index of rooms: which this node is subscribed to, and who reads them here. */
export class Hub {
  readonly #context: HubContext;
  readonly #rooms = new Map<string, HubRoom>();

  constructor(context: HubContext) {
    this.#context = context;
  }

  get roomCount(): number {
    return this.#rooms.size;
  }

  /** Adds a reader, subscribing the node if it is the room's first. Rejects when the broker can't be reached. */
  async join(name: string, bound: LogBound, outbox: Outbox, history: number): Promise<Reader> {
    let room = this.#rooms.get(name);
    if (!room) this.#rooms.set(name, (room = new HubRoom(this.#context, name, bound)));
    const reader = new Reader(room, outbox, history);
    room.add(reader);
    try {
      await room.ready;
    } catch (error) {
      this.leave(reader);
      throw error;
    }
    return reader;
  }

  /** Takes a reader away, and ends the subscription with the room's last. */
  leave(reader: Reader): void {
    const { room } = reader;
    reader.leave();
    if (!room.empty || this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    // Until it is done, or somebody has come back.
    const unsubscribe = (): void => {
      if (this.#rooms.has(room.name)) return;
      this.#context.broker
        .unsubscribe(room.name)
        .catch((error: unknown) => this.#context.retry(unsubscribe, error));
    };
    unsubscribe();
  }

  receiveEntry(name: string, epoch: string, entry: LogEntry): void {
    this.#rooms.get(name)?.receiveEntry(epoch, entry);
  }

  receiveSignal(name: string, key: string, data: string): void {
    this.#rooms.get(name)?.receiveSignal(key, data);
  }

  receiveHole(name: string): void {
    this.#rooms.get(name)?.receiveHole();
  }

  receivePresence(name: string, change: PresenceChange): void {
    this.#rooms.get(name)?.receivePresence(change);
  }
}
