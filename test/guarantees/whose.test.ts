import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contract, event, room } from "bowline";
import { createClient, type Client, type ClientOptions, type Fate } from "bowline/client";
import { fileStore } from "bowline/client/file-store";
import { nats } from "bowline/nats";
import { serve } from "bowline/node";
import { redis } from "bowline/redis";
import { createServer, memory, type Broker } from "bowline/server";
import { sqlite } from "bowline/sqlite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { NatsServer, natsPath } from "../support/nats-server.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";
import { impatient } from "./clients.ts";

const diaries = contract({ rooms: { "diary/:room": room({ events: { note: event(z.string()) } }) } });

let redisServer: RedisServer | undefined;
let natsServer: NatsServer | undefined;

beforeAll(async () => {
  if (redisPath) redisServer = await RedisServer.start();
  if (natsPath) natsServer = await NatsServer.start();
});
afterAll(async () => {
  await redisServer?.stop();
  await natsServer?.stop();
});

const folder = mkdtempSync(join(tmpdir(), "bowline-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A broker over what is kept under a name. */
const brokers: Readonly<
  Record<string, { readonly isHere: boolean; readonly open: (name: string) => Broker }>
> = {
  memory: { isHere: true, open: () => memory() },
  sqlite: { isHere: true, open: (name) => sqlite({ file: join(folder, `${name}.db`) }) },
  redis: {
    isHere: redisPath !== undefined,
    open: (name) => redis({ url: `redis://127.0.0.1:${redisServer?.port}`, prefix: `${name}:` }),
  },
  nats: {
    isHere: natsPath !== undefined,
    open: (name) => nats({ servers: `nats://127.0.0.1:${natsServer?.port}`, prefix: name }),
  },
};

async function startServer(broker: Broker, port = 0) {
  const server = createServer(diaries, {
    logger: false,
    broker,
    authenticate: ({ token }) => (token ? { id: token } : null),
    onError: () => {},
  });
  const { url, port: taken } = await serve(server, { port, signals: false });
  onTestFinished(() => server.close());
  return { server, url, port: taken };
}

function startClient(url: string, options: Partial<ClientOptions>): Client<typeof diaries> {
  const client = createClient(diaries, { url, WebSocket, log: false, ...impatient, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Resolves when something is, now or with the next status. */
async function until(client: Client<typeof diaries>, holds: () => boolean): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve) => client.onStatus(() => holds() && resolve()));
}

const cases = Object.entries(brokers).flatMap(([name, { isHere, open }]) =>
  isHere
    ? (["remembers", "forgets"] as const)
        .filter((memoryOf) => name !== "memory" || memoryOf === "forgets")
        .flatMap((memoryOf) => (["bob", "ada"] as const).map((next) => ({ name, memoryOf, next, open })))
    : [],
);

describe("what ada queued while the server was away", () => {
  test.each(cases)(
    "$name, that $memoryOf: $next is next on her store",
    async ({ name, memoryOf, next, open }) => {
      const place = `${name}-${memoryOf}-${next}`;
      const first = await startServer(open(place));
      const path = join(folder, `${place}.jsonl`);
      const ada = startClient(first.url, { token: "ada", store: fileStore(path) });
      await until(ada, () => ada.user === "ada");
      await first.server.close();
      await until(ada, () => ada.status.state !== "open");
      ada.publish("diary/a", "note", "of ada").catch(() => {});
      ada.close();

      const second = await startServer(open(memoryOf === "forgets" ? `${place}-anew` : place), first.port);
      const client = startClient(second.url, { token: next, store: fileStore(path) });
      const settled = new Promise<Fate>((resolve) => {
        client.onFate((fate) => (fate.fate === "stored" || fate.fate === "refused") && resolve(fate));
      });
      expect((await settled).error?.code).toBe(next === "ada" ? undefined : "SESSION_MISMATCH");
      await until(client, () => client.user === next);
      await client.publish("diary/a", "note", "later");
      const stored = await second.server.history("diary/a");
      expect(stored.map(({ from, payload }) => `${from}: ${payload}`)).toEqual([
        ...(next === "ada" ? ["ada: of ada"] : []),
        `${next}: later`,
      ]);
    },
  );
});
