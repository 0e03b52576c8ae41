import { attempt } from "../base/awaitable.ts";
import { systemClock, type Undo } from "../base/clock.ts";
import { askByHttp, readRefusal } from "./refusal.ts";
import {
  authorizationOf,
  protocolsOf,
  systemTransport,
  type Refusal,
  type Transport,
  type TransportListener,
  type TransportSocket,
  type WebSocketClass,
} from "./socket.ts";
import { undiciWebSocket } from "./undici-socket.ts";

/** How long the other end has to answer a close frame: the process may have nothing else to do than to wait for it. */
const closeTimeoutMs = 500;
const askTimeoutMs = 5000;
/** How much of an answer to an upgrade is read. */
const answerLengthMax = 65_536;

/** The answer to an upgrade that is not 101, as `ws` tells of it. */
interface UpgradeAnswer extends AsyncIterable<Uint8Array> {
  readonly statusCode: number;
  readonly headers: { readonly "retry-after"?: string };
}

/** What classes outside of browsers have besides. */
interface ProcessSocket extends TransportSocket {
  onerror: ((event: { readonly error?: unknown }) => void) | null;
  /** Of `ws`. */
  on?(event: "unexpected-response", listener: (request: unknown, answer: UpgradeAnswer) => void): void;
  /** Of `ws`, of Bun, and of {@link undiciWebSocket}. */
  terminate?(): void;
}

/**
 * The network outside of browsers: there is more to learn of why a socket does not open, and nothing outlives its use.
 * Throws a `TypeError` where there is no WebSocket class.
 */
export function processTransport(given: WebSocketClass | undefined): Transport {
  const platform = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  const own = given ?? platform;
  if (!own) throw new TypeError('there is no global WebSocket here: pass one, e.g. { WebSocket } from "ws"');
  const base = systemTransport((own === platform && undiciWebSocket()) || own);
  return {
    open: (url, token, listener) =>
      new Dial(url, token, listener).begin((heard) => base.open(url, token, heard) as ProcessSocket),
    // A dial has asked before it tells of its end.
    ask: async () => null,
    onWake: (task) => base.onWake(task),
  };
}

/** One socket, from its dial to its end. */
class Dial implements TransportSocket {
  readonly #url: string;
  readonly #token: string | null;
  readonly #listener: TransportListener;
  #socket: ProcessSocket | null = null;
  #isOpen = false;
  #isOver = false;
  /** Why it does not open, as far as it was told. */
  #refusal: Refusal | null = null;
  #stopTimer: Undo = () => {};
  readonly #asking = new AbortController();

  constructor(url: string, token: string | null, listener: TransportListener) {
    this.#url = url;
    this.#token = token;
    this.#listener = listener;
  }

  begin(open: (listener: TransportListener) => ProcessSocket): this {
    const socket = open({
      opened: () => {
        this.#isOpen = true;
        this.#listener.opened();
      },
      received: (text) => this.#listener.received(text),
      closed: (code, reason) => this.#end(code, reason),
    });
    this.#socket = socket;
    socket.onerror = ({ error }) => this.#fail(error);
    socket.on?.("unexpected-response", (_request, answer) => void this.#readAnswer(answer));
    return this;
  }

  /** What the class gives back, a promise of an odd one, is minded by who calls. */
  send(text: string): void {
    return this.#socket?.send(text);
  }

  close(code: number, reason: string): void {
    this.#asking.abort();
    if (this.#isOver) return;
    // First: a class whose close throws is to be cut all the same.
    this.#stopTimer = systemClock.setTimer(closeTimeoutMs, () =>
      attempt(() => this.#socket?.terminate?.(), ignore),
    );
    return this.#socket?.close(code, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimer();
    if (this.#isOpen) this.#listener.closed(code, reason);
    else void this.#tellWhy(code, reason);
  }

  #fail(error: unknown): void {
    if (this.#isOpen) return;
    // `ws` alone says why; where it is another, that is asked.
    if (this.#socket?.on) this.#refusal ??= unreachable(error);
    // Up to undici 6, no close follows where a dial fails.
    this.#end(1006, "");
  }

  async #tellWhy(code: number, reason: string): Promise<void> {
    this.#listener.closed(code, reason, this.#refusal ?? (await this.#ask()));
  }

  /** An answer that is not 101 says what a question by HTTP would, and the application judges nobody twice. */
  async #readAnswer(answer: UpgradeAnswer): Promise<void> {
    const { "retry-after": retryAfter = "" } = answer.headers;
    try {
      const init = { status: answer.statusCode, headers: { "retry-after": retryAfter } };
      this.#refusal = await readRefusal(new Response(await textOf(answer), init));
    } catch (error) {
      this.#refusal = unreachable(error);
    }
    attempt(() => this.#socket?.close(1000, ""), ignore);
  }

  async #ask(): Promise<Refusal> {
    const { username, password } = new URL(this.#url);
    const headers: Record<string, string> =
      username || password
        ? {
            authorization: `Basic ${basic(`${username}:${password}`)}`,
            "sec-websocket-protocol": protocolsOf(this.#token).join(),
          }
        : authorizationOf(this.#token);
    const stopTimer = systemClock.setTimer(askTimeoutMs, () => this.#asking.abort());
    const url = this.#url.replace(/\/\/[^/]*@/, "//");
    return askByHttp(url, headers, this.#asking.signal).catch(unreachable).finally(stopTimer);
  }
}

/** There is nothing more to be done about a socket that can't be closed. */
function ignore(): void {}

/** A body, or as much of it as can be had and is looked at; null where there is none. */
async function textOf(answer: UpgradeAnswer): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of answer) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > answerLengthMax) break;
    }
  } catch {
    // What came of it has to do.
  }
  return text || null;
}

function basic(userinfo: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(decodeURIComponent(userinfo))));
}

/** Where no answer came: why, in a line. */
function unreachable(error: unknown): Refusal {
  const { cause = error } = error as { cause?: unknown };
  const { message = "", code = "" } = cause as { message?: string; code?: unknown };
  // OpenSSL writes several lines, and Deno the whole address.
  const [line = ""] = message.replaceAll(/ ?(for url )?\(?\w+:\/\/\S+/g, "").split("\n");
  const text = typeof code !== "string" || line.includes(code) ? line : `${line} (${code})`;
  return {
    status: 0,
    code: "UNREACHABLE",
    message: `the server can't be reached: ${text.trim()}`,
    retryAfterMs: 0,
  };
}
