import type { GapFrame, Position } from "../protocol/frames.ts";
import type { LogEntry } from "./broker.ts";
import type { Outbox } from "./outbox.ts";
import type { HubRoom } from "./hub-room.ts";

/** Most entries read at a time for a reader that catches up. */
const pageEntriesMax = 128;

/**
 * One connection reading one room. While it keeps up it is `live`: it gets what every live reader gets, and costs the
 * room nothing of its own. Otherwise it is a number, the offset it has got to, and reads on from there: after a join,
 * after a reconnect and after its socket was full. There is no other way to catch up.
 */
export class Reader {
  readonly room: HubRoom;
  readonly outbox: Outbox;
  /** Place in the room's array; the room's own. */
  index = -1;
  live = false;
  /** Whether the join was answered; nothing is sent before. */
  joined = false;
  /** Whether its session is a member of the room, and not only reads. */
  present = false;
  /** Whether presence changes were passed over, so that the whole list is due. */
  missedPresence = false;
  readonly #history: number;
  #offset = 0;
  #pageEntries = pageEntriesMax;
  #gap: GapFrame["reason"] | null = null;
  #catchingUp = false;
  #left = false;

  constructor(room: HubRoom, outbox: Outbox, history: number) {
    this.room = room;
    this.outbox = outbox;
    this.#history = history;
  }

  get left(): boolean {
    return this.#left;
  }

  /** Finds where to begin, answers the join through `answer`, and starts to read. */
  async begin(position: Position | undefined, answer: (start: Position) => void): Promise<void> {
    const { room } = this;
    let epoch: string;
    let gap: GapFrame["reason"] | null;
    let offset: number;
    do {
      epoch = room.epoch;
      gap = position ? await room.lost(position) : null;
      offset = position && !gap ? position.offset : await room.freshOffset(this.#history, gap !== null);
    } while (room.epoch !== epoch);
    if (this.#left) return;
    this.joined = true;
    this.#offset = offset;
    this.#gap = null;
    answer({ offset, epoch });
    if (gap) this.#sendGap(gap);
    this.catchUp();
  }

  leave(): void {
    this.#left = true;
    this.live = false;
    this.room.remove(this);
  }

  /** The socket is full: what the room sends after `offset` is read from the log later. */
  fallBehind(offset: number): void {
    this.live = false;
    this.#offset = offset;
  }

  /** The socket is full: the list of members is due when it no longer is. */
  missPresence(): void {
    this.missedPresence = true;
    if (this.live) this.fallBehind(this.room.sent);
  }

  /** The log was lost or trimmed under this reader: it is told so, and goes on where that leaves it. */
  markGap(reason: GapFrame["reason"], base: number): void {
    // One that has come from another node may have got past what is missing here.
    if (reason === "trimmed" && !this.live && this.#offset >= base) return this.catchUp();
    this.live = false;
    this.#gap = reason;
    this.catchUp();
  }

  /** Reads on, if there is reason and room to. Called when the socket has drained and when the room has moved. */
  catchUp(): void {
    if (this.#catchingUp || this.live || this.#left || !this.joined || this.outbox.isFull()) return;
    this.#catchingUp = true;
    this.#readOn().then(
      () => {
        this.#catchingUp = false;
        // It may have come when the last look for one was over.
        if (this.#gap) this.catchUp();
      },
      // Nothing is read before that, whatever calls: each call would fail, and come again as often.
      (error: unknown) => this.room.retry(() => this.#readAgain(), error),
    );
  }

  #readAgain(): void {
    this.#catchingUp = false;
    this.catchUp();
  }

  async #readOn(): Promise<void> {
    const { room, outbox } = this;
    while (!this.#left && (this.#gap || this.#offset < room.sent)) {
      if (this.#gap) {
        await this.#skipGap(this.#gap);
        continue;
      }
      if (outbox.isFull()) return;
      const { epoch } = room;
      const entries =
        room.recent(this.#offset, this.#pageEntries) ?? (await room.read(this.#offset, this.#pageEntries));
      if (this.#left || this.#gap || room.epoch !== epoch) continue;
      if (entries) this.#sendPage(entries);
      else this.#gap = "trimmed";
    }
    if (this.#left || this.#offset !== room.sent) return;
    this.live = true;
    if (this.missedPresence) room.sendMembers(this);
  }

  /** Sends what the socket takes, and reads no more than about that the next time: the rest would be for nothing. */
  #sendPage(entries: readonly LogEntry[]): void {
    const { codec } = this.outbox.format;
    let sent = 0;
    for (const entry of entries) {
      if (this.outbox.isFull()) break;
      this.outbox.send(codec.publication(this.room.name, entry));
      this.#offset = entry.offset;
      sent += 1;
    }
    this.#pageEntries =
      sent < entries.length ? Math.max(1, sent) : Math.min(pageEntriesMax, 2 * this.#pageEntries);
  }

  async #skipGap(reason: GapFrame["reason"]): Promise<void> {
    const { epoch } = this.room;
    const offset = await this.room.freshOffset(this.#history, true);
    if (this.#left || this.room.epoch !== epoch) return;
    this.#gap = null;
    this.#offset = offset;
    this.#sendGap(reason);
  }

  #sendGap(reason: GapFrame["reason"]): void {
    const { name: room, epoch, sent: head } = this.room;
    const position = { offset: this.#offset, epoch };
    this.outbox.sendFrame({ type: "gap", room, position, head, reason });
  }
}
