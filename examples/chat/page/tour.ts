/** The three things to try on this page, and which of them were done. */
import type { Chat } from "./chat.ts";
import { byId } from "./dom.ts";
import { tabKeep } from "./keep.ts";
import type { LineControl } from "./line.ts";

const key = "bowline-chat.tour";
const steps = ["together", "cut", "mended"] as const;
type Step = (typeof steps)[number];

export class Tour {
  readonly #chat: Chat;
  readonly #line: LineControl;
  readonly #done = new Set<Step>();

  constructor(chat: Chat, line: LineControl) {
    this.#chat = chat;
    this.#line = line;
    const kept = tabKeep.getJson(key);
    for (const step of steps) if (Array.isArray(kept) && kept.includes(step)) this.#done.add(step);
  }

  render(): void {
    const { active, client, queued, sent } = this.#chat;
    const waits = queued.length + sent.length > 0;
    if (active && active.room.presence.count > 1) this.#finish("together");
    if (this.#line.isCut && waits) this.#finish("cut");
    if (this.#done.has("cut") && !this.#line.isCut && !waits && client.status.state === "open")
      this.#finish("mended");
    byId<HTMLAnchorElement>("tour-window").href = location.href;
    for (const step of steps) byId(`tour-${step}`).classList.toggle("done", this.#done.has(step));
  }

  #finish(step: Step): void {
    if (this.#done.has(step)) return;
    this.#done.add(step);
    tabKeep.set(key, JSON.stringify([...this.#done]));
  }
}
