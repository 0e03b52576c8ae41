/** One conversation: what was delivered, and after it what is still on its way. */
import type { Position } from "bowline";
import type { Fate, Gap, Message, Room, RoomStatus } from "bowline/client";
import type { chat } from "../contract.ts";
import type { RoomInfo } from "../directory.ts";
import { isRead, type Entry, type MessageEntry } from "./entries.ts";
import { reasonText } from "./reason.ts";

type TheRoom = Room<(typeof chat)["rooms"]["chat/:slug"]>;

/** Somebody in the room, however many tabs they have. */
export interface Person {
  readonly name: string;
  readonly isAway: boolean;
}

export interface ChatRoomContext {
  readonly me: string;
  /** When this page began: without a reading mark, what is older counts as read. */
  readonly openedAt: number;
  readonly room: TheRoom;
  /** How far it was read in an earlier visit. */
  readonly read: Position | null;
  readonly changed: () => void;
}

/** Entries kept; older ones are let go. */
const entriesMax = 500;
/** How long somebody counts as typing after the last signal. Senders repeat it sooner. */
const typingMs = 5000;

export class ChatRoom {
  readonly info: RoomInfo;
  readonly room: TheRoom;
  /** In the order of the room's log: the same on every page. */
  readonly entries: Entry[] = [];
  /** Own messages that did not come back yet, in the order they were sent. */
  readonly pending: MessageEntry[] = [];
  read: Position | null;
  /** The first message that was unread when the room was opened. */
  newFrom: MessageEntry | null = null;
  draft = "";
  readonly #context: ChatRoomContext;
  readonly #typing = new Map<string, number>();

  constructor(info: RoomInfo, context: ChatRoomContext) {
    this.info = info;
    this.room = context.room;
    this.read = context.read;
    this.#context = context;
    const { room, changed } = context;
    room.on("message", (message) => this.#receive(message));
    room.on("typing", ({ from, payload }) => this.#receiveTyping(from ?? "", payload.active));
    room.onGap((gap) => this.#receiveGap(gap));
    room.onStatus(changed);
    room.presence.onChange(changed);
  }

  get status(): RoomStatus {
    return this.room.status;
  }

  /** A server that started anew does not know the rooms that visitors had opened. */
  get isGone(): boolean {
    return this.status.state === "refused" && this.status.error.code === "FORBIDDEN";
  }

  get people(): Person[] {
    const byName = new Map<string, boolean>();
    for (const { user, state } of this.room.presence.members.values()) {
      byName.set(user, (byName.get(user) ?? true) && state.away);
    }
    return [...byName]
      .map(([name, isAway]) => ({ name, isAway }))
      .toSorted((a, b) => a.name.localeCompare(b.name));
  }

  get typing(): string[] {
    const now = Date.now();
    return [...this.#typing].filter(([, until]) => until > now).map(([name]) => name);
  }

  get unread(): MessageEntry[] {
    return this.entries.filter((entry): entry is MessageEntry => entry.kind === "message" && entry.isUnread);
  }

  /** Everything here was seen. Says whether that is news. */
  markRead(): boolean {
    const { unread } = this;
    this.newFrom ??= unread.find(({ at }) => at < this.#context.openedAt) ?? null;
    for (const entry of unread) entry.isUnread = false;
    const { position } = this.room;
    if (!position || (this.read && isRead(position, this.read))) return false;
    this.read = position;
    return true;
  }

  /** Follows an own message from the moment it is queued. Before it is sent, it has the id that its message will bear. */
  receiveFate({ ref, id, payload, fate, error, position }: Fate): void {
    const known = this.#ownMessage(ref);
    const entry = known ?? this.#startMessage(ref, (payload as { text: string }).text);
    entry.id = id;
    // The message itself may come before its ack, and proves as much.
    if (!entry.position) entry.fate = fate;
    entry.error = error ? reasonText(error) : null;
    if (position) entry.position = position;
    this.#context.changed();
  }

  discard(entry: MessageEntry): void {
    const index = this.pending.indexOf(entry);
    if (index >= 0) this.pending.splice(index, 1);
    this.#context.changed();
  }

  #receive({ id, from, payload, at, position }: Message<{ text: string }>): void {
    const own = this.pending.find((entry) => entry.id === id);
    if (own) this.pending.splice(this.pending.indexOf(own), 1);
    const isMine = from === this.#context.me;
    const isUnread = !isMine && !(this.read ? isRead(position, this.read) : at <= this.#context.openedAt);
    const entry = own ?? { kind: "message", ref: null, id, from: from ?? "", isMine, text: payload.text };
    this.#push(Object.assign(entry, { at, position, isUnread, fate: "stored", error: null } as const));
    this.#typing.delete(from ?? "");
  }

  #receiveTyping(name: string, isActive: boolean): void {
    if (isActive) {
      this.#typing.set(name, Date.now() + typingMs);
      setTimeout(this.#context.changed, typingMs + 50);
    } else {
      this.#typing.delete(name);
    }
    this.#context.changed();
  }

  #receiveGap({ reason, position }: Gap): void {
    // Own messages that were stored within the gap are part of what does not come any more.
    const missed = this.pending.filter(
      (entry) => entry.position && !this.#comesAfter(entry.position, position),
    );
    for (const entry of missed) {
      this.pending.splice(this.pending.indexOf(entry), 1);
      this.#push(entry);
    }
    this.#push({ kind: "gap", reason });
  }

  #comesAfter(position: Position, gap: Position): boolean {
    return position.epoch === gap.epoch && position.offset > gap.offset;
  }

  #push(entry: Entry): void {
    this.entries.push(entry);
    if (this.entries.length > entriesMax) this.entries.splice(0, this.entries.length - entriesMax);
    this.#context.changed();
  }

  #ownMessage(ref: number): MessageEntry | undefined {
    const delivered = (): Entry | undefined =>
      this.entries.findLast((entry) => entry.kind === "message" && entry.ref === ref);
    return this.pending.find((entry) => entry.ref === ref) ?? (delivered() as MessageEntry | undefined);
  }

  #startMessage(ref: number, text: string): MessageEntry {
    const { me } = this.#context;
    const entry: MessageEntry = {
      kind: "message",
      ref,
      id: null,
      from: me,
      isMine: true,
      text,
      at: Date.now(),
      isUnread: false,
      fate: "queued",
      position: null,
      error: null,
    };
    this.pending.push(entry);
    return entry;
  }
}
