import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Clock } from "../../base/clock.ts";
import { Mailbox } from "../mailbox.ts";

const tokenEntry = "bowline.token.";

/** What a client asked for, as the patterns of cases see it. */
export interface RequestPicture {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** What it offers in `Sec-WebSocket-Protocol`. */
  readonly protocols: readonly string[];
  /** Of the first place that bears one; null where none does. */
  readonly token: string | null;
  readonly tokenIn: "bearer" | "bowline" | "protocol" | null;
}

/** What an upgrade or question is answered with by HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In place of a body that is JSON. */
  readonly text?: string;
}

/** A connection attempt that waits for what becomes of it. */
export interface Dial {
  readonly request: RequestPicture;
  /** Whether the client has given it up. */
  isOver(): boolean;
  /** Rejects when the client gives it up meanwhile. */
  accept(subprotocol: string): Promise<WebSocket>;
  refuse(answer: HttpAnswer): void;
  /** Ends the line without a word. */
  cut(): void;
}

/** A plain request that waits for its answer. */
export interface Question {
  readonly request: RequestPicture;
  answer(answer: HttpAnswer): void;
  /** Ends the line without a word. */
  cut(): void;
}

/** A server on loopback that does nothing by itself: a case says what each attempt comes to. */
export class ScriptedServer {
  readonly dials: Mailbox<Dial>;
  readonly questions: Mailbox<Question>;
  readonly #http: Server;
  readonly #lines = new Set<Duplex>();

  private constructor(clock: Clock) {
    this.dials = new Mailbox(clock);
    this.questions = new Mailbox(clock);
    this.#http = createServer((request, response) => this.questions.push(toQuestion(request, response)));
    this.#http.on("upgrade", (request: IncomingMessage, line: Duplex, head: Buffer) =>
      this.dials.push(toDial(request, line, head)),
    );
    this.#http.on("connection", (line) => {
      this.#lines.add(line);
      line.on("close", () => this.#lines.delete(line));
      line.on("error", ignore);
    });
  }

  static async listen(clock: Clock): Promise<ScriptedServer> {
    const server = new ScriptedServer(clock);
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", reject);
      server.#http.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/bowline`;
  }

  /** Cuts every line. */
  close(): void {
    this.#http.close();
    for (const line of this.#lines) line.destroy();
  }
}

function toDial(request: IncomingMessage, line: Duplex, head: Buffer): Dial {
  return {
    request: pictureOf(request),
    isOver: () => line.destroyed,
    cut: () => void line.destroy(),
    refuse: (answer) => {
      const { headers, text } = bodyOf(answer);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      line.end(`HTTP/1.1 ${answer.status} Refused\r\nconnection: close\r\n${lines.join("")}\r\n${text}`);
    },
    accept: (subprotocol) => {
      const handshake = new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        clientTracking: false,
        handleProtocols: () => subprotocol,
      });
      return new Promise((resolve, reject) => {
        line.once("close", () => reject(new Error("the client gave the connection attempt up")));
        handshake.handleUpgrade(request, line, head, resolve);
      });
    },
  };
}

function toQuestion(request: IncomingMessage, response: ServerResponse): Question {
  return {
    request: pictureOf(request),
    cut: () => void request.socket.destroy(),
    answer: (answer) => {
      const { headers, text } = bodyOf(answer);
      response.writeHead(answer.status, { connection: "close", ...headers });
      response.end(text);
    },
  };
}

function bodyOf({ headers = {}, body, text }: HttpAnswer): { headers: Record<string, string>; text: string } {
  const json = body === undefined ? "" : JSON.stringify(body);
  const whole = text ?? json;
  const type = text === undefined ? "application/json" : "text/plain";
  return {
    headers: { "content-type": type, "content-length": String(Buffer.byteLength(whole)), ...headers },
    text: whole,
  };
}

function pictureOf({ method = "", url = "", headers }: IncomingMessage): RequestPicture {
  const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").flatMap((it) => it.trim() || []);
  return { method, path: url, headers, protocols, ...tokenOf(headers.authorization ?? "", protocols) };
}

function tokenOf(
  authorization: string,
  protocols: readonly string[],
): Pick<RequestPicture, "token" | "tokenIn"> {
  const [scheme = "", value = ""] = authorization.split(" ");
  if (scheme.toLowerCase() === "bearer") return { token: value, tokenIn: "bearer" };
  if (scheme.toLowerCase() === "bowline") return { token: decoded(value), tokenIn: "bowline" };
  const entry = protocols.find((it) => it.startsWith(tokenEntry));
  if (entry === undefined) return { token: null, tokenIn: null };
  return { token: decoded(entry.slice(tokenEntry.length)), tokenIn: "protocol" };
}

/** Padding, and letters of the other alphabet, are no base64url: what has them is none of these tokens. */
function decoded(text: string): string | null {
  return /^[A-Za-z0-9_-]+$/.test(text) ? Buffer.from(text, "base64url").toString() : null;
}

function ignore(): void {}
