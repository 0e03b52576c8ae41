/** The conversation: messages in groups, with dividers between them. */
import type { Chat } from "./chat.ts";
import type { ChatRoom } from "./chat-room.ts";
import { avatar, byId, make, place, setText } from "./dom.ts";
import type { Entry, MessageEntry } from "./entries.ts";
import { MessageView } from "./message-view.ts";
import { clockTime, dayKey, dayName } from "./times.ts";

/** Messages of one person that follow each other sooner than this stand together. */
const groupMs = 5 * 60_000;
/** This near the end counts as at the end. */
const endPx = 48;

export class LogView {
  readonly #chat: Chat;
  readonly #log = byId("log");
  readonly #scroller = byId("scroller");
  readonly #jump = byId("jump");
  readonly #views = new Map<MessageEntry, MessageView>();
  /** What stands between messages: by entry (gaps, and the heads of groups), or by name. */
  readonly #dividers = new Map<Entry | string, HTMLElement>();
  #room: ChatRoom | null = null;
  #isAtEnd = true;

  constructor(chat: Chat, rerender: () => void) {
    this.#chat = chat;
    this.#scroller.addEventListener("scroll", () => {
      const isAtEnd = this.#distanceToEnd() < endPx;
      if (isAtEnd === this.#isAtEnd) return;
      this.#isAtEnd = isAtEnd;
      rerender();
    });
    this.#jump.addEventListener("click", () => this.jump());
    // A keyboard that opens, or a composer that grows, is not to hide the newest message.
    new ResizeObserver(() => this.#isAtEnd && this.#toEnd()).observe(this.#scroller);
  }

  /** Goes to the newest message. */
  jump(): void {
    this.#isAtEnd = true;
    this.#toEnd();
  }

  render(room: ChatRoom | undefined): void {
    this.#renderEmpty(room);
    if (!room) return;
    if (room !== this.#room) this.#enter(room);
    place(this.#log, this.#items(room));
    if (this.#isAtEnd) {
      this.#toEnd();
      if (document.visibilityState === "visible") this.#chat.markRead(room);
    }
    const newer = room.unread.length;
    this.#jump.hidden = this.#isAtEnd;
    setText(byId("jump-text"), newer > 0 ? `${newer} new` : "Newest");
  }

  /** Another conversation is no addition to this one: it is not read out. */
  #enter(room: ChatRoom): void {
    this.#room = room;
    this.#views.clear();
    this.#dividers.clear();
    this.#isAtEnd = true;
    this.#log.setAttribute("aria-live", "off");
    this.#log.replaceChildren();
    setTimeout(() => this.#log.setAttribute("aria-live", "polite"), 500);
  }

  #items(room: ChatRoom): HTMLElement[] {
    const items: HTMLElement[] = [];
    const entries: Entry[] = [...room.entries, ...room.pending];
    const lastOwn = entries.findLast((entry) => entry.kind === "message" && entry.isMine);
    let before: Entry | null = null;
    let day = "";
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === "gap") {
        items.push(this.#divider(entry, "gap", "Some messages could not be recovered"));
      } else {
        const isFirst = startsGroup(before, entry) || entry === room.newFrom;
        if (dayKey(entry.at) !== day) items.push(this.#divider(`day ${entry.id}`, "day", dayName(entry.at)));
        day = dayKey(entry.at);
        if (entry === room.newFrom) items.push(this.#divider("new", "new", "New"));
        if (isFirst && !entry.isMine) items.push(this.#head(entry));
        const next = entries[index + 1];
        const isLast = next?.kind !== "message" || startsGroup(entry, next) || next === room.newFrom;
        items.push(this.#view(room, entry).render({ isFirst, isLast, isNewestOwn: entry === lastOwn }));
      }
      before = entry;
    }
    this.#forgetAllBut(entries);
    return items;
  }

  #view(room: ChatRoom, entry: MessageEntry): MessageView {
    let view = this.#views.get(entry);
    if (!view) {
      view = new MessageView(entry, {
        again: () => this.#chat.sendAgain(room, entry),
        discard: () => room.discard(entry),
      });
      this.#views.set(entry, view);
    }
    return view;
  }

  #head(entry: MessageEntry): HTMLElement {
    return this.#once(entry, () =>
      make(
        "li",
        { class: "head" },
        avatar(entry.from),
        make("span", { class: "head-name" }, entry.from),
        make("time", { class: "head-time", datetime: new Date(entry.at).toISOString() }, clockTime(entry.at)),
      ),
    );
  }

  #divider(key: Entry | string, kind: string, text: string): HTMLElement {
    return this.#once(key, () =>
      make("li", { class: `divider ${kind}`, "data-divider": kind }, make("span", {}, text)),
    );
  }

  #once(key: Entry | string, build: () => HTMLElement): HTMLElement {
    let element = this.#dividers.get(key);
    if (!element) this.#dividers.set(key, (element = build()));
    return element;
  }

  #forgetAllBut(entries: readonly Entry[]): void {
    if (this.#views.size <= entries.length) return;
    const kept = new Set<Entry>(entries);
    for (const entry of this.#views.keys()) if (!kept.has(entry)) this.#views.delete(entry);
    for (const key of this.#dividers.keys())
      if (typeof key === "object" && !kept.has(key)) this.#dividers.delete(key);
  }

  #renderEmpty(room: ChatRoom | undefined): void {
    const isEmpty = !room || room.entries.length + room.pending.length === 0;
    byId("empty").hidden = !isEmpty;
    if (!isEmpty) return;
    const isJoined = room?.status.state === "joined";
    setText(byId("empty-title"), isJoined ? "Nothing here yet" : "No messages to show");
    const text = isJoined ? "Write the first message." : "They come as soon as the connection stands.";
    setText(byId("empty-text"), text);
  }

  #distanceToEnd(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function startsGroup(before: Entry | null, entry: MessageEntry): boolean {
  if (before?.kind !== "message" || before.from !== entry.from) return true;
  return entry.at - before.at > groupMs || dayKey(before.at) !== dayKey(entry.at);
}
