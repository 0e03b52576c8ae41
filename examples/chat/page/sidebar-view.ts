/** The list of rooms, and opening one. */
import type { Chat } from "./chat.ts";
import type { ChatRoom } from "./chat-room.ts";
import { byId, dressAvatar, make, place, setText } from "./dom.ts";

interface Item {
  readonly element: HTMLElement;
  readonly link: HTMLAnchorElement;
  readonly badge: HTMLElement;
  readonly spoken: HTMLElement;
}

const badgeMax = 99;

export class SidebarView {
  readonly #chat: Chat;
  readonly #opened: () => void;
  readonly #items = new Map<ChatRoom, Item>();

  /** `opened` is called when the visitor has opened a room, which is then on its way into view. */
  constructor(chat: Chat, opened: () => void) {
    this.#chat = chat;
    this.#opened = opened;
    dressAvatar(byId("me-avatar"), chat.me);
    setText(byId("me-name"), chat.me);
    byId("new-room").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#openRoom();
    });
  }

  render(): void {
    const { rooms, active } = this.#chat;
    place(
      byId("rooms"),
      [...rooms.values()].map((room) => this.#render(room, room === active)),
    );
    const elsewhere = [...rooms.values()].reduce(
      (sum, room) => sum + (room === active ? 0 : room.unread.length),
      0,
    );
    byId("elsewhere").hidden = elsewhere === 0;
    setText(byId("elsewhere"), short(elsewhere));
  }

  #render(room: ChatRoom, isActive: boolean): HTMLElement {
    let item = this.#items.get(room);
    if (!item) this.#items.set(room, (item = makeItem(room)));
    const unread = room.unread.length;
    if (isActive) item.link.setAttribute("aria-current", "page");
    else item.link.removeAttribute("aria-current");
    item.badge.hidden = unread === 0;
    setText(item.badge, short(unread));
    setText(item.spoken, unread > 0 ? `, ${unread} unread` : "");
    item.link.classList.toggle("has-unread", unread > 0);
    return item.element;
  }

  async #openRoom(): Promise<void> {
    const input = byId<HTMLInputElement>("new-room-name");
    const title = input.value.trim();
    if (!title) return input.focus();
    this.#tell("Opening…");
    try {
      const slug = await this.#chat.openRoom(title);
      input.value = "";
      this.#tell("");
      location.hash = `#/${encodeURIComponent(slug)}`;
      this.#opened();
    } catch (error) {
      this.#tell((error as Error).message, { isError: true });
    }
  }

  #tell(text: string, { isError = false } = {}): void {
    const note = byId("new-room-note");
    note.classList.toggle("error", isError);
    setText(note, text);
  }
}

function makeItem({ info: { slug, title } }: ChatRoom): Item {
  const badge = make("span", { class: "badge", "aria-hidden": "true" });
  const spoken = make("span", { class: "visually-hidden" });
  const hash = make("span", { class: "room-mark", "aria-hidden": "true" }, "#");
  const name = make("bdi", { class: "room-title" }, title);
  const link = make(
    "a",
    { href: `#/${encodeURIComponent(slug)}`, "data-room": slug },
    hash,
    name,
    spoken,
    badge,
  );
  return { element: make("li", {}, link), link, badge, spoken };
}

function short(count: number): string {
  return count > badgeMax ? `${badgeMax}+` : String(count);
}
