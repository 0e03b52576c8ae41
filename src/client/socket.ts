import { base64Url } from "../base/base64-url.ts";
import type { Undo } from "../base/clock.ts";
import {
  jsonSubprotocol,
  tokenScheme,
  tokenSubprotocolPrefix,
  type RefusalBody,
} from "../protocol/frames.ts";

/** What is told of a socket. Nothing comes after `closed`. */
export interface TransportListener {
  opened(): void;
  received(text: string): void;
  /** `refusal`: why it never opened, where the platform says that. */
  closed(code: number, reason: string, refusal?: Refusal): void;
}

/** A socket on its way or open. */
export interface TransportSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/**
 * Why an upgrade is refused, as it was answered itself, or a plain GET of the same path was. Where something else than a
 * Bowline server answers, its code is `HTTP_` and the status; where nobody does, `UNREACHABLE` and the status 0.
 */
export interface Refusal extends RefusalBody {
  readonly status: number;
  readonly retryAfterMs: number;
}

/** The network, as a client sees it. The simulator puts its own in its place. */
export interface Transport {
  open(url: string, token: string | null, listener: TransportListener): TransportSocket;
  /** Asks why an upgrade was refused, where its end did not say so; null when that is not to be known. */
  ask(url: string, token: string | null): Promise<Refusal | null>;
  /** Calls when there is reason to think that the network is back: online again, page shown, machine awake. */
  onWake(task: () => void): Undo;
}

/** The part of the WebSocket class that is used: the browser's, or that of `ws`. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** A WebSocket class to use in place of the global one. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** The platform's network. */
export function systemTransport(given: WebSocketClass | undefined): Transport {
  const WebSocket = given ?? (globalThis as unknown as { WebSocket: WebSocketClass }).WebSocket;
  return {
    open(url, token, listener) {
      const socket = new WebSocket(url, protocolsOf(token));
      socket.onopen = () => listener.opened();
      socket.onmessage = (event: { readonly data: unknown }) => {
        if (typeof event.data === "string") listener.received(event.data);
      };
      socket.onclose = (event: { readonly code: number; readonly reason: string }) =>
        listener.closed(event.code, event.reason);
      // Without a listener `ws` would throw; a close always follows.
      socket.onerror = () => {};
      return socket;
    },
    ask,
    onWake,
  };
}

/** What asks is loaded when it is first needed. Where that can't be had either, nothing is to be known. */
function ask(url: string, token: string | null): Promise<Refusal | null> {
  return import("./refusal.ts").then((it) => it.askInPage(url, authorizationOf(token))).catch(() => null);
}

/** The header that bears a token, in the same spelling as an upgrade: it may hold what a header may not. */
export function authorizationOf(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `${tokenScheme} ${encodeToken(token)}` };
}

/** What an upgrade offers. */
export function protocolsOf(token: string | null): string[] {
  return [jsonSubprotocol].concat(token === null ? [] : tokenSubprotocolPrefix + encodeToken(token));
}

function onWake(task: () => void): Undo {
  // Only pages have these events; anywhere else this listens to nothing.
  const page = globalThis as Partial<Pick<Window, "addEventListener" | "document">>;
  if (!page.addEventListener || !page.document) return () => {};
  const { document } = page;
  const wake = ({ type }: Event): void => {
    if (type !== "visibilitychange" || !document.hidden) task();
  };
  const end = new AbortController();
  // The last one bubbles up to the window.
  for (const type of ["online", "pageshow", "visibilitychange"])
    page.addEventListener(type, wake, { signal: end.signal });
  return () => end.abort();
}

function encodeToken(token: string): string {
  return base64Url(new TextEncoder().encode(token));
}
