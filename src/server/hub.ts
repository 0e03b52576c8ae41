import type { LogBound, LogEntry, PresenceChange } from "./broker.ts";
import { HubRoom, type HubContext, type HubRoomContext } from "./hub-room.ts";
import type { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";
import type { TailUsage } from "./tail.ts";

/** Most UTF-16 units that the recent frames of all rooms have together. */
const tailsLengthMax = 8 * 1024 * 1024;

/** The local index of rooms: which this node is subscribed to, and who reads them here. */
export class Hub {
  readonly #context: HubRoomContext;
  readonly #rooms = new Map<string, HubRoom>();
  readonly #tails: TailUsage = { length: 0 };
  /** Where the search for tails to give up goes on. */
  #next: Iterator<HubRoom> | null = null;

  constructor(context: HubContext) {
    const tails = this.#tails;
    const tailGrew = (): void => {
      if (tails.length > tailsLengthMax) this.#dropTails();
    };
    this.#context = { ...context, tails, tailGrew };
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
    room.dropTail();
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

  /** Gives up whole tails, of one room after another, until a quarter of what they may have is free. */
  #dropTails(): void {
    while (this.#tails.length > tailsLengthMax * 0.75) {
      this.#next ??= this.#rooms.values();
      const { value, done } = this.#next.next() as IteratorResult<HubRoom, undefined>;
      if (done) this.#next = null;
      else value.dropTail();
    }
  }
}
