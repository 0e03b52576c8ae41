import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocketServer, type ServerOptions } from "ws";
import { systemClock, type Undo } from "../../base/clock.ts";
import { whenOverdue } from "../../base/deadline.ts";
import type { Admitted, Gate, Refused, Servable, UpgradeRequest } from "../../server/engine.ts";
import {
  answer,
  answerPreflight,
  notStarted,
  refusal,
  refuseUpgrade,
  unknownPath,
  upgradeRequired,
  wrongMethod,
} from "./answers.ts";
import { handshakeFlaw } from "./handshake.ts";
import { NodeSocket } from "./node-socket.ts";
import { takePath, type Nobody, type PathOwner } from "./paths.ts";
import { warnOfWorkers } from "./workers.ts";

/**
 * Lets a server be reached through an HTTP server that somebody else owns: Express, Fastify, Hono, Next or plain
 * `node:http`. Requests and upgrades of the server's path are taken before any other listener sees them, whenever that
 * was added; all others are left alone, so other WebSocket servers work beside it. A request or
 * upgrade that nobody else takes is answered with 404, which names the path. A plain GET of the path answers why an upgrade is refused. Resolves when the server is ready; rejects,
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

/** Throws a `TypeError` for what is no server of ours: an http.Server, a contract, nothing. */
export function checkServer(where: string, server: Pick<Servable, "gate"> | undefined): void {
  if (typeof (server as Partial<Servable> | null | undefined)?.gate?.serve === "function") return;
  const takes =
    where === "attach" ? "what createServer() made, and an http.Server" : "what createServer() made";
  throw new TypeError(`${where} takes ${takes}`);
}

/** Takes the server's path of the HTTP server. What comes before `start` has ended waits; where that fails, it is given back. */
export function endpointOf(server: Pick<Servable, "gate">, http: HttpServer): Endpoint {
  checkServer("attach", server);
  // An app of Express or Koa is a function or an emitter, too, but none that listens.
  if (typeof (http as Partial<HttpServer> | undefined)?.address !== "function")
    throw new TypeError("attach takes the http.Server, e.g. what app.listen() returns, not the app");
  const endpoint = new Endpoint(server.gate, http);
  endpoint.listen();
  return endpoint;
}

interface NewerOptions {
  readonly closeTimeout: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
}

/** What a fragment of a large message has at least on average; more of them are no message, but a way to fill memory. */
const fragmentBytes = 1024;
/** The same for what a message is read in. A TCP segment has more, where there is more to send. */
const chunkBytes = 256;
/** What a message may come in, however small it may be. */
const partsMin = 64;
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
  #isReady = false;
  /** What the upgrade under way selects. */
  #subprotocol = "";
  #begin: (started: Promise<void>) => void = () => {};
  #detach: Undo = () => {};

  constructor(gate: Gate, http: HttpServer) {
    this.#gate = gate;
    this.#http = http;
    this.#ready = new Promise((resolve) => (this.#begin = resolve));
    // A start that failed is told by `start`.
    this.#ready.catch(() => {});
    // The options are newer than their types.
    const options: ServerOptions & NewerOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: gate.payloadBytes,
      closeTimeout: closeTimeoutMs,
      maxFragments: Math.max(partsMin, gate.payloadBytes / fragmentBytes),
      maxBufferedChunks: Math.max(partsMin, gate.payloadBytes / chunkBytes),
      handleProtocols: () => this.#subprotocol,
    };
    this.#sockets = new WebSocketServer(options);
  }

  /** Takes upgrades and GETs of its path; those that come before `start` has ended wait for that. */
  listen(): void {
    const { path } = this.#gate;
    const detach = takePath(this.#http, path, this, nobodyOf(this.#gate));
    if (!detach) throw new TypeError(`a server is attached to ${path} of this HTTP server already`);
    this.#detach = detach;
  }

  /** Gets the server ready; where it can't, gives the path back. */
  async start(): Promise<void> {
    const started = this.#gate.serve();
    this.#begin(started);
    try {
      await started;
      this.#isReady = true;
      warnOfWorkers(this.#gate.broker);
      this.#gate.onStop(() => void (this.isOver = true));
    } catch (error) {
      this.#detach();
      throw error;
    }
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch(this.#report);
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Nobody else listens until ws does, and a reset without a listener would end the process.
    stream.on("error", destroyStream);
    this.#upgrade(request, stream, head).catch((error: unknown) => {
      stream.destroy();
      this.#report(error);
    });
  }

  readonly #report = (error: unknown): void => this.#gate.report(error, "http");

  /** Answers a GET, or a HEAD without the body: what an upgrade with the same headers would be told. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method === "OPTIONS") return answerPreflight(request, response);
    if (method !== "GET" && method !== "HEAD") return answer(request, response, wrongMethod);
    const admission = await this.#admit(toUpgradeRequest(request), false);
    answer(request, response, admission.ok ? upgradeRequired : admission);
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    // ws would find it too, but after everybody was asked, and in words of its own.
    const flaw = handshakeFlaw(request);
    if (flaw) {
      const refused = refusal(flaw.status, "UPGRADE_REQUIRED", flaw.message);
      this.#gate.refused(refused, toUpgradeRequest(request));
      return refuseUpgrade(stream, refused, flaw.headers);
    }
    // The gate is in time by itself; before it is there, nobody is.
    const limitMs = this.#gate.handshakeMs + handshakeSlackMs;
    const stopTimer = this.#isReady ? null : whenOverdue(systemClock, limitMs, () => stream.destroy());
    const admission = await this.#admit(toUpgradeRequest(request), true);
    stopTimer?.();
    if (admission.ok) this.#accept(request, stream, head, admission);
    else refuseUpgrade(stream, admission);
  }

  async #admit(request: UpgradeRequest, holds: boolean): Promise<Admitted | Refused> {
    try {
      if (!this.#isReady) await this.#ready;
    } catch {
      return notStarted;
    }
    return this.#gate.admit(request, { holds });
  }

  #accept(request: IncomingMessage, stream: Duplex, head: Buffer, admitted: Admitted): void {
    if (stream.destroyed) return this.#gate.giveUp();
    // Who has gone meanwhile is dropped by ws without a callback.
    const onClose = (): void => this.#gate.giveUp();
    stream.once("close", onClose);
    // ws asks for it in the course of this call.
    this.#subprotocol = admitted.subprotocol;
    this.#sockets.handleUpgrade(request, stream, head, (ws) => {
      stream.off("close", onClose);
      stream.off("error", destroyStream);
      const socket = new NodeSocket(ws, stream);
      socket.listen(this.#gate.open(socket, admitted));
    });
  }
}

/** What is nobody's: a wrong path is worth a word, as a client that is told nothing tries for ever. */
function nobodyOf(gate: Gate): Nobody {
  return {
    request(request, response, paths) {
      if (request.method === "OPTIONS") answerPreflight(request, response);
      else answer(request, response, unknownPath(request, paths));
    },
    upgrade(request, stream, paths) {
      stream.on("error", destroyStream);
      const refused = unknownPath(request, paths);
      gate.refused(refused, toUpgradeRequest(request));
      refuseUpgrade(stream, refused);
    },
  };
}

function destroyStream(this: Duplex): void {
  this.destroy();
}

function toUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  const { url = "/", headers, socket } = request;
  const { encrypted } = socket as Partial<TLSSocket>;
  return { url, headers, address: socket.remoteAddress ?? "", secure: encrypted === true };
}
