import {
  STATUS_CODES,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions } from "ws";
import { jsonSubprotocol, type RefusalBody } from "../../protocol/frames.ts";
import type { Admitted, Gate, Refused, Servable, UpgradeRequest } from "../../server/engine.ts";
import { nodeFraming } from "./framing.ts";
import { NodeSocket } from "./node-socket.ts";

/**
 * Lets a server be reached through an HTTP server that somebody else owns: Express, Fastify, Hono, Next or plain
 * `node:http`. Upgrades of the server's path are taken, others left alone, or refused with 404 where nobody else takes
 * them. A plain GET of the path answers why an upgrade is refused. Attach after the HTTP server has its request
 * handler. Resolves when the server is ready; draining the server does not close the HTTP server.
 *
 * @example
 * const http = app.listen(3000);       // Express
 * await attach(server, http);
 */
export async function attach(server: Pick<Servable, "gate">, http: HttpServer): Promise<void> {
  const { gate } = server;
  const endpoint = new Endpoint(gate, http);
  http.on("upgrade", endpoint.receiveUpgrade);
  const handlers = http.listeners("request") as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[];
  http.removeAllListeners("request");
  http.on("request", (request, response) => {
    if (endpoint.owns(request)) void endpoint.answer(request, response);
    else for (const handler of handlers) handler.call(http, request, response);
  });
  await endpoint.start();
}

/** How long the other end has to answer a close frame. */
const closeTimeoutMs = 2000;

/** One path of one HTTP server. */
class Endpoint {
  readonly #gate: Gate;
  readonly #http: HttpServer;
  readonly #sockets: WebSocketServer;
  #ready: Promise<void> | null = null;

  constructor(gate: Gate, http: HttpServer) {
    this.#gate = gate;
    this.#http = http;
    // The option is newer than its types.
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: gate.payloadBytes,
      closeTimeout: closeTimeoutMs,
      handleProtocols: () => jsonSubprotocol,
    };
    this.#sockets = new WebSocketServer(options);
  }

  start(): Promise<void> {
    this.#ready = this.#gate.start(nodeFraming);
    return this.#ready;
  }

  owns(request: IncomingMessage): boolean {
    const url = request.url ?? "";
    const end = url.indexOf("?");
    return (end < 0 ? url : url.slice(0, end)) === this.#gate.path;
  }

  readonly receiveUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    // Nobody else listens until ws does, and a reset without a listener would end the process.
    stream.on("error", destroyStream);
    if (this.owns(request)) {
      void this.#upgrade(request, stream, head);
    } else if (this.#http.listenerCount("upgrade") === 1) {
      // Nobody else will answer it, and an upgrade without an answer hangs for ever.
      refuse(stream, { ok: false, status: 404, code: "NOT_FOUND", message: "nothing listens on this path" });
    }
  };

  /** Answers a GET: what an upgrade with the same headers would be told. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = toUpgradeRequest(request);
    for (const [name, value] of this.#corsHeaders(asked)) response.setHeader(name, value);
    if (request.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    await this.#ready;
    const admission = await this.#gate.admit(asked, { holds: false });
    const answer: Refused = admission.ok
      ? { ok: false, status: 426, code: "UPGRADE_REQUIRED", message: "connect here with WebSocket" }
      : admission;
    response.writeHead(answer.status, answerHeaders(answer)).end(answerBody(answer));
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const timer = setTimeout(() => stream.destroy(), this.#gate.handshakeMs);
    try {
      await this.#ready;
      const admission = await this.#gate.admit(toUpgradeRequest(request), { holds: true });
      if (admission.ok) this.#accept(request, stream, head, admission);
      else refuse(stream, admission);
    } catch {
      stream.destroy();
    } finally {
      clearTimeout(timer);
    }
  }

  #accept(request: IncomingMessage, stream: Duplex, head: Buffer, admitted: Admitted): void {
    if (stream.destroyed) return this.#gate.giveUp();
    // ws refuses what is no WebSocket handshake by itself, without a callback.
    const onClose = (): void => this.#gate.giveUp();
    stream.once("close", onClose);
    this.#sockets.handleUpgrade(request, stream, head, (ws) => {
      stream.off("close", onClose);
      stream.off("error", destroyStream);
      const socket = new NodeSocket(ws, stream);
      socket.listen(this.#gate.open(socket, admitted));
    });
  }

  /** Lets a page that may connect read the answer of a GET, also from another host. */
  #corsHeaders(request: UpgradeRequest): [string, string][] {
    const { origin } = request.headers;
    if (typeof origin !== "string" || !this.#gate.allowsOrigin(request)) return [];
    return [
      ["access-control-allow-origin", origin],
      ["access-control-allow-credentials", "true"],
      ["access-control-allow-headers", "authorization"],
      ["vary", "origin"],
    ];
  }
}

function destroyStream(this: Duplex): void {
  this.destroy();
}

function toUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  return { url: request.url ?? "/", headers: request.headers, address: request.socket.remoteAddress ?? "" };
}

function answerHeaders({ retryAfterSeconds }: Refused): Record<string, string> {
  return {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
}

function answerBody({ code, message }: Refused): string {
  return JSON.stringify({ code, message } satisfies RefusalBody);
}

function refuse(stream: Duplex, refused: Refused): void {
  const body = answerBody(refused);
  const headers = {
    ...answerHeaders(refused),
    connection: "close",
    "content-length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status] ?? ""}\r\n${lines.join("")}\r\n${body}`,
  );
}
