/** How the connection stands: the pill at the top, the notice above the composer, and what is announced. */
import type { Status } from "bowline/client";
import type { Chat } from "./chat.ts";
import { byId, setText } from "./dom.ts";
import { goneText, reasonText } from "./reason.ts";

const tickMs = 250;

export class StatusView {
  readonly #chat: Chat;
  #wasOpen = false;
  #announced = "";
  /** Why a room that is gone could not be opened again. */
  #reopenError = "";

  constructor(chat: Chat) {
    this.#chat = chat;
    byId("notice-action").addEventListener("click", () => {
      const { state } = chat.client.status;
      if (state === "open") void this.#reopen();
      else if (state === "closed") chat.client.connect();
      else chat.client.reconnect();
    });
    setInterval(() => {
      if (chat.client.status.state === "waiting") this.render();
    }, tickMs);
  }

  render(): void {
    const { status } = this.#chat.client;
    byId("pill").dataset["state"] = isDegraded(status) ? "waiting" : status.state;
    setText(byId("pill-text"), pillText(status));
    this.#renderNotice(status);
    this.#announce(status);
  }

  #renderNotice(status: Status): void {
    const waiting = this.#chat.queued.length + this.#chat.sent.length;
    const isFirst = status.state === "connecting" && !this.#wasOpen && waiting === 0;
    const refusal = status.state === "open" ? this.#refusal() : null;
    const isWell = status.state === "open" && !status.degraded;
    byId("notice").hidden = refusal === null && (isWell || isFirst);
    const state = refusal !== null ? "closed" : isDegraded(status) ? "waiting" : status.state;
    byId("notice").dataset["state"] = state;
    document
      .getElementById("notice-icon")
      ?.setAttribute("href", state === "closed" ? "#i-alert" : "#i-clock");
    setText(byId("notice-text"), refusal ?? noticeText(status, waiting));
    const action = actionText(status, this.#chat.active?.isGone ?? false);
    byId("notice-action").hidden = action === null;
    setText(byId("notice-action"), action ?? "");
  }

  #refusal(): string | null {
    const status = this.#chat.active?.status;
    if (status?.state !== "refused") return null;
    const text = reasonText(status.error);
    return text === goneText ? `${text} ${this.#reopenError}` : `You can't enter this room. ${text}`;
  }

  async #reopen(): Promise<void> {
    const { active } = this.#chat;
    this.#reopenError = "";
    try {
      if (active) await this.#chat.openRoom(active.info.title);
    } catch (error) {
      this.#reopenError = (error as Error).message;
    }
    this.render();
  }

  /** Said once for each change that matters: neither each second nor each attempt. */
  #announce(status: Status): void {
    const text = spokenText(status, this.#wasOpen);
    if (status.state === "open") this.#wasOpen = true;
    if (text === null || text === this.#announced) return;
    this.#announced = text;
    setText(byId("announce"), text);
  }
}

/** Connected to a server that has lost its broker. */
function isDegraded(status: Status): boolean {
  return status.state === "open" && status.degraded;
}

function pillText(status: Status): string {
  switch (status.state) {
    case "open":
      return status.degraded ? "Degraded" : "Connected";
    case "connecting":
      return "Connecting";
    case "waiting":
      return "Offline";
    case "closed":
      return "Closed";
  }
}

function noticeText(status: Status, waiting: number): string {
  const kept =
    waiting > 0 ? ` ${waiting} ${waiting === 1 ? "message waits" : "messages wait"} to be delivered.` : "";
  switch (status.state) {
    case "open":
      return status.degraded ? `The server can't reach its broker. Messages wait until it can.${kept}` : "";
    case "connecting":
      return `Connecting…${kept}`;
    case "waiting":
      return `Offline. Next try ${inSeconds(status.retryAt)}.${kept}`;
    case "closed":
      return `${closedText(status)}${kept}`;
  }
}

function actionText(status: Status, isRoomGone: boolean): string | null {
  switch (status.state) {
    case "open":
      return isRoomGone ? "Open it again" : null;
    case "connecting":
      return null;
    case "waiting":
      return "Try now";
    case "closed":
      return "Connect again";
  }
}

function closedText({ error }: Extract<Status, { state: "closed" }>): string {
  return error ? `Connection closed: ${error.message}.` : "Connection closed.";
}

function spokenText(status: Status, wasOpen: boolean): string | null {
  if (status.state === "closed") return closedText(status);
  if (status.state === "waiting") return "Connection lost. Trying to come back.";
  if (isDegraded(status)) return "The server can't reach its broker. Messages wait.";
  if (status.state === "open") return wasOpen ? "Connected again." : "Connected.";
  return null;
}

function inSeconds(at: number): string {
  const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
  return seconds === 0 ? "now" : `in ${seconds} s`;
}
