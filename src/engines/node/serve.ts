import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { attempt } from "../../base/awaitable.ts";
import { checkOptions, checkTimes, checkType } from "../../base/options.ts";
import type { DrainOptions, Servable } from "../../server/engine.ts";
import { checkServer, endpointOf } from "./attach.ts";
import { drainOnSignal } from "./signals.ts";
import { closeSilent } from "./silence.ts";

/** Options of {@link serve}. */
export interface ServeOptions {
  /** 0 takes a free one. Default 3000. */
  readonly port?: number;
  /** Address to listen on. Default: all of the machine's. */
  readonly host?: string;
  /**
   * Answers every HTTP request that is not for the server's path, e.g. an Express app. What it throws, or rejects with, is
   * reported and answered with a 500. One that never answers holds its request until the client goes, or the server
   * closes: neither Node nor Bowline ends it before. Default: 404.
   */
  readonly handler?: RequestListener;
  /** Whether SIGTERM and SIGINT (on Windows also a closed console) drain the server and then end the process. Default true. */
  readonly signals?: boolean;
  /** How it drains on a signal. */
  readonly drain?: DrainOptions;
}

/** A server that listens. */
export interface Served {
  readonly port: number;
  /** Where clients connect, on this machine: `ws://localhost:3000/bowline`. */
  readonly url: string;
}

/**
 * Listens, with an HTTP server of its own. Resolves when clients can connect. Rejects with what `listen` failed with, e.g.
 * `EADDRINUSE`, or with why the server can't start; nothing is left of it then, and it may be tried again.
 * `server.drain()` and `server.close()` end it.
 *
 * SIGTERM and SIGINT drain the server and then end the process, by that signal or, where it is number 1 of a container,
 * with 128 and the signal's number. Where the application listens for the signal as well, its end is the application's:
 * the server drains, and no more. A second signal ends the process at once.
 *
 * @example
 * const { url } = await serve(server, { port: 3000 });
 */
export async function serve(server: Servable, options: ServeOptions = {}): Promise<Served> {
  checkOptions("serve", options, { port: 1, host: 1, handler: 1, signals: 1, drain: 1 });
  const drain = options.drain === undefined ? {} : options.drain;
  checkOptions("serve, drain", drain, { spreadMs: 1, deadlineMs: 1 });
  checkTimes("serve, drain", drain);
  const { port = 3000, host, handler, signals = true } = options;
  if (port === null) throw new TypeError("serve: port must be a number, not null; 0 takes a free one");
  checkType("serve: handler", handler, "function");
  checkType("serve: signals", signals, "boolean");
  checkServer("serve", server);
  const silentMs = Math.min(Math.ceil(server.gate.handshakeMs), silentMsMax);
  // Node looks at what takes too long only now and then.
  const timing = { headersTimeout: silentMs, connectionsCheckingInterval: Math.min(silentMs, 2000) };
  const http = createHttpServer(timing);
  closeSilent(http, { silentMs });
  if (handler) http.on("request", minded(handler, server));
  const endpoint = endpointOf(server, http);
  // Before anything is started: of a port that is taken there is nothing to undo.
  await listen(http, port, host);
  const unwire = signals ? drainOnSignal(() => server.drain(drain)) : () => {};
  const end = (): Promise<void> => {
    unwire();
    return close(http);
  };
  server.gate.onStop(end);
  try {
    await endpoint.start();
    const bound = addressOf(http).port;
    return { port: bound, url: `ws://localhost:${bound}${server.gate.path}` };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Where the limit is turned off, a request still has as long as Node would give it. */
const silentMsMax = 60_000;

/** What the handler throws, or rejects with, is reported and answered with a 500: it ends neither the process nor the rest. */
function minded(handler: RequestListener, { gate }: Servable): RequestListener {
  return (request, response) => {
    const failed = (error: unknown): void => {
      gate.report(error, "http");
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("internal error\n");
    };
    attempt(() => handler(request, response), failed);
  };
}

function listen(http: HttpServer, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen({ port, host }, () => {
      http.off("error", reject);
      resolve();
    });
  });
}

async function close(http: HttpServer): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  http.closeAllConnections();
  await closed;
}

function addressOf(http: HttpServer): AddressInfo {
  const address = http.address();
  if (address === null || typeof address === "string")
    throw new Error("the server was stopped while it started");
  return address;
}
