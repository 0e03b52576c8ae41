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
  closed(code: number, reason: string): void;
}

/** A socket on its way or open. */
export interface TransportSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/**
 * Why an upgrade is refused, as a plain GET of the same path was told. Where something else than a Bowline server
 * answers, its code is `HTTP_` and the status.
 */
export interface Refusal extends RefusalBody {
  readonly status: number;
  readonly retryAfterMs: number;
}

/** The network, as a client sees it. The simulator puts its own in its place. */
export interface Transport {
  open(url: string, token: string | null, listener: TransportListener): TransportSocket;
  /** Asks why an upgrade was refused; null when nothing answers, or nothing is refused. */
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

const askTimeoutMs = 5000;
/** Whoever asks for a longer wait is not believed. */
const retryAfterSecondsMax = 3600;

/** The platform's network. Throws a `TypeError` when there is no WebSocket class. */
export function systemTransport(given: WebSocketClass | undefined): Transport {
  const WebSocket = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (!WebSocket) {
    throw new TypeError('there is no global WebSocket here: pass one, e.g. { WebSocket } from "ws"');
  }
  return {
    open(url, token, listener) {
      const protocols = [jsonSubprotocol];
      if (token !== null) protocols.push(tokenSubprotocolPrefix + encodeToken(token));
      const socket = new WebSocket(url, protocols);
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

async function ask(url: string, token: string | null): Promise<Refusal | null> {
  try {
    const response = await fetch(url.replace(/^ws/, "http"), {
      // In the same spelling as in the upgrade: a token may hold what a header may not.
      headers: token === null ? {} : { authorization: `${tokenScheme} ${encodeToken(token)}` },
      credentials: "include",
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    const { status } = response;
    // What an upgrade that would be let in is told.
    if (status === 426) return null;
    // A proxy's own page is no JSON.
    const body = (await response.json().catch(() => null)) as Partial<RefusalBody> | null;
    const { code = `HTTP_${status}`, message = `the server answered ${status}` } = body ?? {};
    // A date is possible as well; it is passed over, and the usual wait applies.
    const seconds = Number(response.headers.get("retry-after"));
    const retryAfterMs = seconds > 0 ? Math.min(seconds, retryAfterSecondsMax) * 1000 : 0;
    return { status, code, message, retryAfterMs };
  } catch {
    return null;
  }
}

function onWake(task: () => void): Undo {
  // Only pages have these events; anywhere else this listens to nothing.
  const page = globalThis as Partial<Pick<Window, "addEventListener" | "document">>;
  if (!page.addEventListener || !page.document) return () => {};
  const { document } = page;
  const onVisible = (): void => {
    if (document.visibilityState === "visible") task();
  };
  const end = new AbortController();
  const options = { signal: end.signal };
  page.addEventListener("online", task, options);
  page.addEventListener("pageshow", task, options);
  document.addEventListener("visibilitychange", onVisible, options);
  return () => end.abort();
}

function encodeToken(token: string): string {
  return base64Url(new TextEncoder().encode(token));
}
