/** One message, and how far it got. */
import { icon, make, setText } from "./dom.ts";
import type { FateName, MessageEntry } from "./entries.ts";
import { withLinks } from "./links.ts";
import { clockTime, fullTime } from "./times.ts";

export interface Placement {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Of one's own: it says in words how far it got. */
  readonly isNewestOwn: boolean;
}

export interface MessageActions {
  readonly again: () => void;
  readonly discard: () => void;
}

const fates: Readonly<Record<FateName, { readonly icon: string; readonly text: string }>> = {
  queued: { icon: "clock", text: "Queued" },
  sent: { icon: "check", text: "Sent" },
  stored: { icon: "checks", text: "Stored" },
  refused: { icon: "alert", text: "Not sent" },
};

export class MessageView {
  readonly #entry: MessageEntry;
  readonly #actions: MessageActions;
  readonly #element: HTMLElement;
  readonly #time: HTMLTimeElement;
  readonly #fate = make("span", { class: "fate" });
  readonly #fateText = make("span", {});
  #shown: FateName | null = null;

  constructor(entry: MessageEntry, actions: MessageActions) {
    this.#entry = entry;
    this.#actions = actions;
    this.#time = make("time", {});
    const by = make("bdi", { class: "visually-hidden" }, `${entry.isMine ? "You" : entry.from}: `);
    const bubble = make(
      "div",
      { class: "bubble" },
      by,
      make("p", { class: "text", dir: "auto" }, ...withLinks(entry.text)),
    );
    if (entry.isMine) bubble.append(make("span", { class: "meta" }, this.#time, this.#fate));
    else bubble.title = fullTime(entry.at);
    this.#element = make("li", { class: `message ${entry.isMine ? "mine" : "theirs"}` }, bubble);
  }

  render({ isFirst, isLast, isNewestOwn }: Placement): HTMLElement {
    const { at, fate, id, isMine } = this.#entry;
    if (id !== null) this.#element.dataset["id"] = id;
    this.#element.classList.toggle("first", isFirst);
    this.#element.classList.toggle("last", isLast);
    if (!isMine) return this.#element;
    setText(this.#time, clockTime(at));
    this.#time.title = fullTime(at);
    if (fate !== this.#shown) this.#showFate(fate);
    this.#fateText.classList.toggle("visually-hidden", fate === "stored" && !isNewestOwn);
    return this.#element;
  }

  #showFate(fate: FateName): void {
    this.#shown = fate;
    this.#element.dataset["fate"] = fate;
    this.#fateText.textContent = fates[fate].text;
    this.#fate.replaceChildren(icon(fates[fate].icon), this.#fateText);
    this.#element.querySelector(".refusal")?.remove();
    if (fate === "refused") this.#element.append(this.#refusal());
  }

  #refusal(): HTMLElement {
    const again = make("button", { type: "button", class: "link" }, "Send again");
    again.addEventListener("click", this.#actions.again);
    const discard = make("button", { type: "button", class: "link" }, "Discard");
    discard.addEventListener("click", this.#actions.discard);
    return make("p", { class: "refusal" }, `${this.#entry.error ?? "Refused."} `, again, discard);
  }
}
