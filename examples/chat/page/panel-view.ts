/** The panel: the line, how far messages got, and who is here. */
import type { Chat } from "./chat.ts";
import { avatar, byId, make, place, setText } from "./dom.ts";
import type { LineControl } from "./line.ts";

export class PanelView {
  readonly #chat: Chat;
  readonly #line: LineControl;
  readonly #people = new Map<string, HTMLElement>();
  #isMended = false;

  constructor(chat: Chat, line: LineControl) {
    this.#chat = chat;
    this.#line = line;
    byId("cut").addEventListener("click", () => {
      this.#isMended = line.isCut;
      void line.setCut(!line.isCut);
    });
    byId("drop").addEventListener("click", () => void line.drop());
  }

  render(): void {
    this.#renderLine();
    this.#renderPeople();
    setText(byId("count-queued"), String(this.#chat.queued.length));
    setText(byId("count-sent"), String(this.#chat.sent.length));
    setText(byId("count-stored"), String(this.#chat.storedCount));
  }

  #renderLine(): void {
    const { isCut } = this.#line;
    byId("line").dataset["line"] = isCut ? "cut" : "whole";
    byId("cut").setAttribute("aria-checked", String(isCut));
    byId<HTMLButtonElement>("drop").disabled = isCut;
    setText(byId("line-note"), this.#note(isCut));
  }

  #note(isCut: boolean): string {
    if (this.#line.isUnanswered) return "The server doesn't answer: the line is as it was.";
    const { state } = this.#chat.client.status;
    if (isCut && state === "open")
      return "Cut, and neither end knows. The heartbeat will notice in a few seconds. Keep writing.";
    if (isCut) return "Noticed. What you write waits here, in order. Switch back to mend the line.";
    if (state === "closed") return "The line is whole, but the connection was ended for good.";
    if (state !== "open") return "The line is whole. Coming back.";
    return this.#isMended
      ? "Mended. What was missed on both sides is here: once each, in one order."
      : "Bytes stop flowing both ways, and nothing is closed. Keep writing, then mend it.";
  }

  #renderPeople(): void {
    const people = this.#chat.active?.people ?? [];
    const isOpen = this.#chat.client.status.state === "open";
    setText(byId("people-title"), isOpen || people.length === 0 ? "Here now" : "Here when last connected");
    setText(byId("people-count"), people.length > 0 ? String(people.length) : "");
    place(
      byId("people"),
      people.map(({ name, isAway }) => {
        const item = this.#person(name);
        item.classList.toggle("away", isAway);
        const state = name === this.#chat.me ? (isAway ? "you, away" : "you") : isAway ? "away" : "";
        setText(item.querySelector(".person-state") as HTMLElement, state);
        return item;
      }),
    );
  }

  #person(name: string): HTMLElement {
    let item = this.#people.get(name);
    if (!item) {
      const state = make("span", { class: "person-state" });
      item = make(
        "li",
        { "data-person": name },
        avatar(name),
        make("bdi", { class: "person-name" }, name),
        state,
      );
      this.#people.set(name, item);
    }
    return item;
  }
}
