/** The client, and what the page knows through it. */
import {
  createClient,
  type BowlineError,
  type Client,
  type Fate,
  type Room,
  type Store,
} from "bowline/client";
import { chat } from "../contract.ts";
import { slugOf, type RoomInfo } from "../directory.ts";
import { ChatRoom } from "./chat-room.ts";
import type { MessageEntry } from "./entries.ts";
import { loadRooms, saveRooms } from "./known-rooms.ts";
import { loadMarks, saveMarks } from "./reading-marks.ts";
import { reasonText } from "./reason.ts";

const historyCount = 100;
const openTimeoutMs = 10_000;
const offlineText = "You are offline: try again when you are back.";
const chatPrefix = "chat/";

export interface ChatOptions {
  readonly me: string;
  readonly url: string;
  readonly store: Store;
  readonly changed: () => void;
}

export class Chat {
  readonly me: string;
  readonly client: Client<typeof chat>;
  /** By slug, in the order they were opened. */
  readonly rooms = new Map<string, ChatRoom>();
  /** How many of this page's messages reached the log. */
  storedCount = 0;
  /** The list of rooms, which is a room itself. */
  readonly #list: Room<(typeof chat)["rooms"]["rooms"]>;
  readonly #changed: () => void;
  readonly #openedAt = Date.now();
  readonly #marks: ReturnType<typeof loadMarks>;
  #active = "lobby";

  constructor({ me, url, store, changed }: ChatOptions) {
    this.me = me;
    this.#changed = changed;
    this.#marks = loadMarks(me);
    this.client = createClient(chat, { url, store, token: encodeURIComponent(me), user: me });
    this.client.onStatus(changed);
    this.client.onFate((fate) => this.#receiveFate(fate));
    this.#list = this.client.join("rooms", { history: 1000 });
    this.#list.on("opened", ({ payload }) => this.#receiveRoom(payload));
    this.#list.onStatus(changed);
    for (const info of loadRooms()) this.#addRoom(info);
    document.addEventListener("visibilitychange", () => this.#tellPresence(this.#active));
  }

  get active(): ChatRoom | undefined {
    return this.rooms.get(this.#active);
  }

  /** Whether the room to be shown is not on the server's list, as far as that is read. */
  get isNowhere(): boolean {
    return !this.active && this.#list.status.state === "joined" && this.#list.behind === 0;
  }

  /** Publishes that are not settled: in the outbox, or on the way. */
  get queued(): readonly Fate[] {
    return this.client.pending.filter(({ fate }) => fate === "queued");
  }

  get sent(): readonly Fate[] {
    return this.client.pending.filter(({ fate }) => fate === "sent");
  }

  get unreadCount(): number {
    return [...this.rooms.values()].reduce((sum, room) => sum + room.unread.length, 0);
  }

  /** Shows a room, once it is there. */
  open(slug: string): void {
    if (this.active && this.#active !== slug) this.active.newFrom = null;
    const former = this.#active;
    this.#active = slug;
    if (former !== slug) for (const changed of [former, slug]) this.#tellPresence(changed);
    if (this.active) this.active.newFrom = this.active.unread[0] ?? null;
    this.#changed();
  }

  /** The text shows up through `onFate`, at once and with the id it keeps. */
  send(text: string): void {
    // A refusal is a fate too, and shown there.
    this.active?.room.publish("message", { text }).catch(() => {});
  }

  sendAgain(room: ChatRoom, entry: MessageEntry): void {
    room.discard(entry);
    room.room.publish("message", { text: entry.text }).catch(() => {});
  }

  tellTyping(room: ChatRoom, active: boolean): void {
    room.room.publish("typing", { active });
  }

  /** Opens a room for everybody, or finds it; resolves with its slug. */
  async openRoom(title: string): Promise<string> {
    const known = this.rooms.get(slugOf(title));
    if (known && !known.isGone) return known.info.slug;
    if (this.client.status.state !== "open") throw new Error(offlineText);
    return this.client
      .request("rooms.open", { title }, { timeoutMs: openTimeoutMs })
      .then(({ slug }) => {
        this.#enterAgain(slug);
        return slug;
      })
      .catch((error: BowlineError) => {
        // Uncertain: it was sent on a line that is dead. If it got through all the same, the room shows up.
        const isUnanswered = error.code === "TIMEOUT" || error.code === "UNCERTAIN";
        throw new Error(isUnanswered ? offlineText : reasonText(error));
      });
  }

  /** What is in view was read. */
  markRead(room: ChatRoom): void {
    if (!room.markRead()) return;
    if (room.read) this.#marks.set(room.info.slug, room.read);
    saveMarks(this.me, this.#marks);
    this.#changed();
  }

  #receiveRoom(info: RoomInfo): void {
    if (this.rooms.has(info.slug)) return this.#enterAgain(info.slug);
    this.#addRoom(info);
    saveRooms([...this.rooms.values()].map((room) => room.info));
  }

  /** A room that was gone is open again: what refused is tried once more on the next connection. */
  #enterAgain(slug: string): void {
    if (this.rooms.get(slug)?.isGone) this.client.reconnect();
  }

  #addRoom(info: RoomInfo): void {
    const { slug } = info;
    const name = `chat/${slug}` as const;
    const room = new ChatRoom(info, {
      me: this.me,
      openedAt: this.#openedAt,
      room: this.client.join(name, { history: historyCount, presence: { away: this.#isAway(slug) } }),
      read: this.#marks.get(slug) ?? null,
      changed: this.#changed,
    });
    this.rooms.set(slug, room);
    // What a page before this one left in the store.
    for (const fate of this.client.pending) if (fate.room === name) room.receiveFate(fate);
    this.#changed();
  }

  #receiveFate(fate: Fate): void {
    if (fate.fate === "stored") this.storedCount += 1;
    if (fate.room.startsWith(chatPrefix))
      this.rooms.get(fate.room.slice(chatPrefix.length))?.receiveFate(fate);
  }

  #tellPresence(slug: string): void {
    this.rooms.get(slug)?.room.presence.set({ away: this.#isAway(slug) });
  }

  /** The page is in all rooms, and its visitor looks at one of them. */
  #isAway(slug: string): boolean {
    return document.hidden || slug !== this.#active;
  }
}
