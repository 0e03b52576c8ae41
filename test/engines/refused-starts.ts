/**
 * Starts servers that can't start, one after another, and prints for each what it was refused with and what of it is left
 * in the process: `kind | message | what is left`. Ends by itself.
 */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { contract, request, type Contract } from "bowline";
import { nats } from "bowline/nats";
import { attach, serve } from "bowline/node";
import { redis } from "bowline/redis";
import { createServer, type Broker, type ServerOptions } from "bowline/server";
import { sqlite } from "bowline/sqlite";
import * as z from "zod";

const incomplete = contract({ requests: { ask: request({ input: z.null(), output: z.null() }) } });

async function refuse({
  broker,
  port = 0,
  of = contract({}),
}: { broker?: Broker; port?: number; of?: Contract } = {}): Promise<void> {
  const options: ServerOptions = { onError: () => {}, ...(broker && { broker }) };
  const server = createServer(of, { logger: false, ...options });
  // Twice: what was refused may be tried again.
  const first = await serve(server, { port }).then(
    () => "started",
    (error: Error) => error.message,
  );
  await serve(server, { port }).catch((error: Error) => {
    throw error.message === first ? error : new Error(`${first}, then: ${error.message}`);
  });
}

const taken = createHttpServer();
await once(taken.listen(0), "listening");
const { port } = taken.address() as AddressInfo;
const stopped = createServer(contract({}), { logger: false });
await stopped.close();

const starts: Record<string, () => Promise<unknown>> = {
  "port in use": () => refuse({ port }),
  "served a second time": async () => {
    const server = createServer(contract({}), { logger: false });
    const first = await serve(server, { port: 0 });
    try {
      await serve(server, { port: first.port });
    } finally {
      await server.close();
    }
  },
  "request without a handler": () => refuse({ of: incomplete }),
  "redis out of reach": () => refuse({ broker: redis({ url: "redis://127.0.0.1:1" }) }),
  "nats out of reach": () => refuse({ broker: nats({ servers: "nats://127.0.0.1:1" }) }),
  "sqlite file that can't be": () => refuse({ broker: sqlite({ file: "/nowhere/at/all.db" }) }),
  "server that was stopped": () => serve(stopped, { port: 0 }),
  "attached without a handler": () => attach(createServer(incomplete), taken),
};

/** What keeps the process and was not there before the start; asked until nothing is, or for half a second. */
async function leftover(before: readonly string[]): Promise<string[]> {
  const endMs = performance.now() + 500;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const listening = ["SIGTERM", "SIGINT"].filter((signal) => process.listenerCount(signal) > 0);
    const now = [...process.getActiveResourcesInfo(), ...listening].filter((kind) => kind !== "Immediate");
    for (const kind of before) if (now.includes(kind)) now.splice(now.indexOf(kind), 1);
    if (now.length === 0 || performance.now() > endMs) return now;
  }
}

for (const [kind, start] of Object.entries(starts)) {
  const before = process.getActiveResourcesInfo();
  const refusal = await start().then(
    () => "started",
    (error: Error) => error.message.replaceAll("\n", " "),
  );
  console.log([kind, refusal, await leftover(before)].join(" | "));
}
taken.close();
