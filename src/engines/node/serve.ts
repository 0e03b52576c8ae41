import { createServer as createHttpServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { checkOptions } from "../../base/options.ts";
import type { DrainOptions, Servable } from "../../server/engine.ts";
import { attach } from "./attach.ts";

/** Options of {@link serve}. */
export interface ServeOptions {
  /** 0 takes a free one. Default 3000. */
  readonly port?: number;
  /** Address to listen on. Default: all of the machine's. */
  readonly host?: string;
  /** Answers every HTTP request that is not for the server's path, e.g. an Express app. Default: 404. */
  readonly handler?: RequestListener;
  /** Whether SIGTERM and SIGINT drain the server and then end the process. Default true. */
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
 * Listens, with an HTTP server of its own. Resolves when clients can connect; rejects with what `listen` failed with,
 * e.g. `EADDRINUSE`. `server.drain()` and `server.close()` end it.
 *
 * @example
 * const { url } = await serve(server, { port: 3000 });
 */
export async function serve(server: Servable, options: ServeOptions = {}): Promise<Served> {
  checkOptions("serve", options, { port: 1, host: 1, handler: 1, signals: 1, drain: 1 });
  checkOptions("serve, drain", options.drain === undefined ? {} : options.drain, {
    spreadMs: 1,
    deadlineMs: 1,
  });
  const { port = 3000, host, handler = notFound, signals = true } = options;
  const http = createHttpServer(handler);
  await attach(server, http);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen({ port, host }, () => {
      http.off("error", reject);
      resolve();
    });
  });
  const unwire = signals ? drainOnSignal(server, options.drain) : () => {};
  server.gate.onStop(async () => {
    unwire();
    const closed = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await closed;
  });
  const bound = (http.address() as AddressInfo).port;
  return { port: bound, url: `ws://localhost:${bound}${server.gate.path}` };
}

const notFound: RequestListener = (_request, response) => {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("not found\n");
};

/** The drains of this process's servers that wait for a signal. */
const drains = new Set<() => Promise<void>>();

function drainOnSignal(server: Servable, options?: DrainOptions): () => void {
  const drain = (): Promise<void> => server.drain(options);
  if (drains.size === 0) process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  drains.add(drain);
  return () => {
    if (drains.delete(drain) && drains.size === 0) unwire();
  };
}

/**
 * The first signal drains all servers, and then ends the process the way the signal would have; a second one ends it at
 * once.
 */
function onSignal(signal: NodeJS.Signals): void {
  const draining = Array.from(drains, (drain) => drain());
  drains.clear();
  unwire();
  void Promise.allSettled(draining).then(() => process.kill(process.pid, signal));
}

function unwire(): void {
  process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
}
