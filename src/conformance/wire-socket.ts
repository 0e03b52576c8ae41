import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { arrivalText, toArrival, type Arrival, type Receiver } from "./arrival.ts";
import { isObject } from "./form.ts";
import { shown } from "./match.ts";
import type { HttpAnswer } from "./server-process.ts";

/** Where and how to connect. */
export interface Dial {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** An upgrade that was refused. */
export class Refused extends Error {
  override readonly name: string = "Refused";
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`the upgrade was refused with ${answer.status} and ${shown(answer.body)}`);
    this.answer = answer;
  }
}

/** How much is shown of a socket in a failure. */
const traceCount = 8;
const traceTextMax = 200;
/** More than any server may send in one message. */
const messageBytesMax = 64 * 1024 * 1024;

/** One WebSocket to the server under test. What comes waits, in its order, until a step takes it. */
export class WireSocket implements Receiver {
  readonly name: string;
  /** Whether a `welcome` came: from then on `ping` frames are allowed. */
  isWelcomed = false;
  readonly #ws: WebSocket;
  readonly #arrived: Arrival[] = [];
  readonly #trace: string[] = [];
  #wake: () => void = () => {};

  /** Resolves when it is open; rejects with {@link Refused} or what went wrong. */
  static open(name: string, dial: Dial): Promise<WireSocket> {
    const { url, protocols, headers, timeoutMs } = dial;
    const ws = new WebSocket(url, [...protocols], {
      headers,
      perMessageDeflate: false,
      handshakeTimeout: timeoutMs,
      maxPayload: messageBytesMax,
    });
    // What comes in the same turn as the handshake's answer must find its listeners.
    const socket = new WireSocket(name, ws);
    return new Promise((resolve, reject) => {
      ws.once("unexpected-response", (request, response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("close", () => {
          const { statusCode: status = 0, headers: answered } = response;
          reject(new Refused({ status, headers: answered, body: Buffer.concat(chunks).toString() }));
          request.destroy();
        });
      });
      ws.once("open", () => resolve(socket));
      ws.once("error", (error) => reject(new Error(`the upgrade failed: ${error.message}`)));
    });
  }

  private constructor(name: string, ws: WebSocket) {
    this.name = name;
    this.#ws = ws;
    ws.on("error", () => {});
    ws.on("message", (data: Buffer, isBinary) => this.#arrive(toArrival(data, isBinary)));
    ws.on("pong", (data) => this.#arrive({ kind: "pong", data: data.toString() }));
    ws.on("close", (code, reason) => this.#arrive({ kind: "closed", code, reason: reason.toString() }));
  }

  /** The subprotocol that the server selected. */
  get protocol(): string {
    return this.#ws.protocol;
  }

  /** Sends a message, as one WebSocket frame or several. */
  send(
    data: string | Buffer,
    { binary = false, fragments = 1 }: { readonly binary?: boolean; readonly fragments?: number } = {},
  ): void {
    this.#note("→", typeof data === "string" ? data : `${data.length} bytes`);
    const bytes = Buffer.from(data);
    const partBytes = Math.ceil(bytes.length / fragments);
    for (let part = 1; part <= fragments; part += 1) {
      const slice = bytes.subarray((part - 1) * partBytes, part * partBytes);
      this.#ws.send(slice, { binary, fin: part === fragments });
    }
  }

  /** Writes bytes to the line as they are, whatever WebSocket makes of them. */
  sendRaw(bytes: Buffer): void {
    this.#note("→", `${bytes.length} raw bytes`);
    this.#line.write(bytes);
  }

  ping(data: string): void {
    this.#note("→", "ping of WebSocket");
    this.#ws.ping(data);
  }

  /** Cuts the line, without a close frame. */
  break(): void {
    this.#note("→", "line cut");
    this.#ws.terminate();
  }

  close(code: number): void {
    this.#note("→", `close ${code}`);
    this.#ws.close(code);
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  /** The next thing that came; null when nothing did in time. */
  async next(timeoutMs: number): Promise<Arrival | null> {
    const [first] = this.#arrived;
    if (first === undefined) await this.#wait(timeoutMs);
    return this.#arrived.shift() ?? null;
  }

  /** The last things that went and came. */
  trace(): string[] {
    return this.#trace.map((line) => `${this.name} ${line}`);
  }

  get #line(): Socket {
    return (this.#ws as unknown as { _socket: Socket })._socket;
  }

  #wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #arrive(arrival: Arrival): void {
    this.#note("←", arrivalText(arrival));
    if (arrival.kind === "frame" && isObject(arrival.frame) && arrival.frame["type"] === "welcome")
      this.isWelcomed = true;
    this.#arrived.push(arrival);
    this.#wake();
  }

  #note(sign: string, text: string): void {
    this.#trace.push(`${sign} ${text.length > traceTextMax ? `${text.slice(0, traceTextMax)}…` : text}`);
    if (this.#trace.length > traceCount) this.#trace.shift();
  }
}
