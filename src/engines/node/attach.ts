import {
  STATUS_CODES,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocketServer, type ServerOptions } from "ws";
import { systemClock, type Undo } from "../../base/clock.ts";
import { whenOverdue } from "../../base/deadline.ts";
import { errorCodes } from "../../protocol/codes.ts";
import { jsonSubprotocol, type RefusalBody } from "../../protocol/frames.ts";
import type { Admitted, Gate, Refused, Servable, UpgradeRequest } from "../../server/engine.ts";
import { nodeFraming } from "./framing.ts";
import { NodeSocket } from "./node-socket.ts";
import { takePath, type PathOwner } from "./paths.ts";

/**
 * Lets a server be reached through an HTTP server that somebody else owns: Express, Fastify, Hono, Next or plain
 * `node:http`. Requests and upgrades of the server's path are taken before any other listener sees them, whenever that
 * was added; all others are left alone, so other WebSocket servers work beside it. An upgrade that nobody else takes is
 * refused with 404. A plain GET of the path answers why an upgrade is refused. Resolves when the server is ready; rejects,
 * and leaves the HTTP server as it was, when it can't start. Draining the server does not close the HTTP server. Throws a
 * `TypeError` where another server has the same path of it.
 *
 * @example
 * const http = app.listen(3000);       // Express
 * await attach(server, http);
 */
export async function attach(server: Pick<Servable, "gate">, http: HttpServer): Promise<void> {
  await endpointOf(server, http).start();
}

/** Takes the server's path of the HTTP server. What comes before `start` has ended waits; where that fails, it is given back. */
export function endpointOf(server: Pick<Servable, "gate">, http: HttpServer): Endpoint {
  if (!server?.gate) throw new TypeError("attach takes what createServer() made, and an http.Server");
  // An app of Express or Koa is a function or an emitter, too, but none that listens.
  if (typeof (http as Partial<HttpServer> | undefined)?.address !== "function")
    throw new TypeError("attach takes the http.Server, e.g. what app.listen() returns, not the app");
  const endpoint = new Endpoint(server.gate, http);
  endpoint.listen();
  return endpoint;
}

/** How long the other end has to answer a close frame. */
const closeTimeoutMs = 2000;
/** Beyond the time that an upgrade has: the gate refuses one that is late by itself, which says more than a cut line. */
const handshakeSlackMs = 1000;

/** One path of one HTTP server. */
export class Endpoint implements PathOwner {
  isOver = false;
  readonly #gate: Gate;
  readonly #http: HttpServer;
  readonly #sockets: WebSocketServer;
  readonly #ready: Promise<void>;
  #begin: (started: Promise<void>) => void = () => {};
  #detach: Undo = () => {};

  constructor(gate: Gate, http: HttpServer) {
    this.#gate = gate;
    this.#http = http;
    this.#ready = new Promise((resolve) => (this.#begin = resolve));
    // A start that failed is told by `start`.
    this.#ready.catch(() => {});
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

  /** Takes upgrades and GETs of its path; those that come before `start` has ended wait for that. */
  listen(): void {
    const { path } = this.#gate;
    const detach = takePath(this.#http, path, this, refuseUnknownPath);
    if (!detach) throw new TypeError(`a server is attached to ${path} of this HTTP server already`);
    this.#detach = detach;
  }

  /** Gets the server ready; where it can't, gives the path back. */
  async start(): Promise<void> {
    const started = this.#gate.serve(nodeFraming);
    this.#begin(started);
    try {
      await started;
      this.#gate.onStop(() => void (this.isOver = true));
    } catch (error) {
      this.#detach();
      throw error;
    }
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    void this.#answer(request, response);
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Nobody else listens until ws does, and a reset without a listener would end the process.
    stream.on("error", destroyStream);
    void this.#upgrade(request, stream, head);
  }

  /** Answers a GET: what an upgrade with the same headers would be told. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = toUpgradeRequest(request);
    for (const [name, value] of this.#corsHeaders(asked)) response.setHeader(name, value);
    if (request.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    const admission = await this.#admit(asked, false);
    const answer = admission.ok ? upgradeRequired : admission;
    response.writeHead(answer.status, answerHeaders(answer)).end(answerBody(answer));
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const limitMs = this.#gate.handshakeMs + handshakeSlackMs;
    const stopTimer = whenOverdue(systemClock, limitMs, () => stream.destroy());
    const admission = await this.#admit(toUpgradeRequest(request), true);
    stopTimer();
    if (admission.ok) this.#accept(request, stream, head, admission);
    else refuse(stream, admission);
  }

  async #admit(request: UpgradeRequest, holds: boolean): Promise<Admitted | Refused> {
    try {
      await this.#ready;
    } catch {
      return notStarted;
    }
    return this.#gate.admit(request, { holds });
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
      ["access-control-expose-headers", "retry-after"],
      ["vary", "origin"],
    ];
  }
}

const unknownPath = refusal(404, "NOT_FOUND");
const upgradeRequired = refusal(426, "UPGRADE_REQUIRED");
const notStarted = refusal(503, "UNAVAILABLE", "the server could not be started");

function refusal(status: number, code: keyof typeof errorCodes, message?: string): Refused {
  return { ok: false, status, code, message: message ?? errorCodes[code].text };
}

function refuseUnknownPath(stream: Duplex): void {
  stream.on("error", destroyStream);
  refuse(stream, unknownPath);
}

function destroyStream(this: Duplex): void {
  this.destroy();
}

function toUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  const { url = "/", headers, socket } = request;
  const { encrypted } = socket as Partial<TLSSocket>;
  return { url, headers, address: socket.remoteAddress ?? "", secure: encrypted === true };
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
  // Not left to the other end to close: one that never does would hold its descriptor, and the end of the process.
  stream.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status] ?? ""}\r\n${lines.join("")}\r\n${body}`,
    () => stream.destroy(),
  );
}
