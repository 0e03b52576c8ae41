/** Where messages are written. */
import type { Chat } from "./chat.ts";
import type { ChatRoom } from "./chat-room.ts";
import { byId, setText } from "./dom.ts";

/** Others forget within five seconds that somebody types, so it is said again sooner. */
const typingEveryMs = 2000;
const heightMaxPx = 160;

export class Composer {
  readonly #chat: Chat;
  readonly #input = byId<HTMLTextAreaElement>("composer-input");
  readonly #button = byId<HTMLButtonElement>("send");
  #isWanted = false;
  #room: ChatRoom | null = null;
  #toldAt = 0;

  /** `sent` is called after each message. */
  constructor(chat: Chat, sent: () => void) {
    this.#chat = chat;
    const submit = (): void => {
      if (this.#send()) sent();
    };
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      // Enter also ends the composing of a character.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    // Not by its href: the part of the URL behind the # names the room.
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.focus();
    });
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("blur", () => this.#tellTyping(false));
  }

  /** Takes the focus, as soon as there is a room to write in. */
  focus(): void {
    this.#isWanted = true;
    this.#takeFocus();
  }

  render(room: ChatRoom | undefined): void {
    if (room && room !== this.#room) this.#enter(room);
    const isClosed = !room || room.isGone;
    // Disabling the box takes its focus away: it gets that back once there is a room to write in.
    if (isClosed && document.activeElement === this.#input) this.#isWanted = true;
    this.#input.disabled = isClosed;
    this.#button.disabled = isClosed;
    if (this.#isWanted) this.#takeFocus();
    const typing = room?.typing ?? [];
    byId("typing").classList.toggle("active", typing.length > 0);
    setText(byId("typing-text"), typingText(typing));
  }

  /** What was begun in one room waits there. */
  #enter(room: ChatRoom): void {
    this.#tellTyping(false);
    if (this.#room) this.#room.draft = this.#input.value;
    this.#room = room;
    this.#input.value = room.draft;
    this.#input.placeholder = `Message ${room.info.title}`;
    this.#fit();
  }

  #takeFocus(): void {
    // The page takes the focus from a disabled box a moment later, so what has it now says nothing.
    if (this.#input.disabled) return;
    this.#input.focus();
    this.#isWanted = document.activeElement !== this.#input;
  }

  #send(): boolean {
    const text = this.#input.value.trim();
    if (!text || this.#input.disabled) return false;
    this.#chat.send(text);
    this.#input.value = "";
    this.#fit();
    this.#tellTyping(false);
    return true;
  }

  #typed(): void {
    this.#fit();
    this.#tellTyping(this.#input.value.trim() !== "");
  }

  #tellTyping(active: boolean): void {
    if (!this.#room || (!active && this.#toldAt === 0)) return;
    const now = Date.now();
    if (active && now - this.#toldAt < typingEveryMs) return;
    this.#toldAt = active ? now : 0;
    this.#chat.tellTyping(this.#room, active);
  }

  #fit(): void {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, heightMaxPx)}px`;
  }
}

function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  return names.length === 2
    ? `${first} and ${second} are typing…`
    : `${first} and ${names.length - 1} others are typing…`;
}
