/** The conversation: messages in groups, with dividers between them. */
import type { Chat } from "./chat.ts";
import type { ChatRoom } from "./chat-room.ts";
import { avatar, byId, make, place, setText } from "./dom.ts";
import type { Entry, GapEntry, MessageEntry } from "./entries.ts";
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
    if (!room) {
      this.#jump.hidden = true;
      return;
    }
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
    this.#scroller.setAttribute("aria-live", "off");
    this.#log.replaceChildren();
    setTimeout(() => this.#scroller.setAttribute("aria-live", "polite"), 500);
  }

  #items(room: ChatRoom): HTMLElement[] {
    const items: HTMLElement[] = [];
    const entries: Entry[] = [...room.entries, ...room.pending];
    const lastOwn = entries.findLast((entry) => entry.kind === "message" && entry.isMine);
    let before: Entry | null = null;
    let day = "";
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === "gap") {
        items.push(this.#divider(entry, "gap", gapText(entry, index === 0)));
      } else {
        const isFirst = startsGroup(before, entry) || entry === room.newFrom;
        if (dayKey(entry.at) !== day)
          items.push(this.#divider(`day ${dayKey(entry.at)}`, "day", dayName(entry.at)));
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
        make("bdi", { class: "head-name" }, entry.from),
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
    byId("to-lobby").hidden = !this.#chat.isNowhere;
    if (!isEmpty) return;
    const [title, text] = emptyTexts(room, this.#chat.isNowhere);
    setText(byId("empty-title"), title);
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

function emptyTexts(room: ChatRoom | undefined, isNowhere: boolean): [title: string, text: string] {
  if (isNowhere) return ["There is no room of this name", "You can open one, or go where the others are."];
  if (room?.isGone) return ["This room is gone", "The server does not know it any more."];
  return room?.status.state === "joined"
    ? ["Nothing here yet", "Write the first message."]
    : ["No messages to show", "They come as soon as the connection is up."];
}

function gapText({ reason }: GapEntry, isFirst: boolean): string {
  if (reason === "trimmed") return "Messages are missing: you were away longer than the history reaches";
  const text = "The server has begun a new log";
  return isFirst ? text : `${text}: what is above is no longer kept there`;
}

function startsGroup(before: Entry | null, entry: MessageEntry): boolean {
  if (before?.kind !== "message" || before.from !== entry.from) return true;
  return entry.at - before.at > groupMs || dayKey(before.at) !== dayKey(entry.at);
}
