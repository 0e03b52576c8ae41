import { WebSocket } from "ws";
import type { WebSocketLike } from "bowline/client";

/** A WebSocket class that, like a browser's, does not tell what a refused upgrade was answered with. */
export class UntoldSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #socket: WebSocket;

  constructor(url: string, protocols: string[]) {
    this.#socket = new WebSocket(url, protocols);
    for (const kind of ["open", "message", "close", "error"] as const)
      this.#socket.addEventListener(kind, (event: unknown) => this[`on${kind}`]?.(event as never));
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }
}
