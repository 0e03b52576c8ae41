import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contract, event, room, signal } from "bowline";
import { nats } from "bowline/nats";
import { redis } from "bowline/redis";
import { createServer, memory, type Server } from "bowline/server";
import { sqlite } from "bowline/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Broker } from "../../src/server/broker.ts";

const jobs = contract({
  rooms: { "jobs/:id": room({ events: { done: event(z.number()), beat: signal(z.number()) } }) },
  inbox: { told: event(z.number()) },
});

type Jobs = Server<typeof jobs>;

const calls: Record<string, (server: Jobs) => Promise<unknown>> = {
  publish: (server) => server.publish("jobs/1", "done", 1),
  signal: (server) => server.signal("jobs/1", "beat", 1),
  history: (server) => server.history("jobs/1"),
  notify: (server) => server.user("ada").notify("told", 1),
  disconnect: (server) => server.user("ada").disconnect(),
  clusterStats: (server) => server.clusterStats(),
};

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bowline-start-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** None of them is reached: there is nothing behind the addresses. */
const brokers: Record<string, () => Broker> = {
  memory: () => memory(),
  sqlite: () => sqlite({ file: join(folder, "start.db") }),
  redis: () => redis({ url: "redis://127.0.0.1:1" }),
  nats: () => nats({ servers: "nats://127.0.0.1:1" }),
};

describe.each(Object.keys(brokers))("a server on %s", (name) => {
  const make = (): Jobs => createServer(jobs, { broker: (brokers[name] as () => Broker)() });

  test.each(Object.keys(calls))("that was not started refuses %s, and says what to do", async (call) => {
    await expect(calls[call]?.(make())).rejects.toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(/^start the server first: serve\(server\)/) as string,
    });
  });

  test("has figures of its own before it is started", () => {
    expect(make().stats()).toEqual({ connections: 0, rooms: 0, degraded: false });
  });

  test.skipIf(name === "memory" || name === "sqlite")("that could not be started refuses them", async () => {
    const server = make();
    await expect(server.start()).rejects.toThrow();
    await expect(server.publish("jobs/1", "done", 1)).rejects.toThrow(/^start the server first/);
  });
});

describe.each(["memory", "sqlite"])("a server on %s that was closed", (name) => {
  test.each(Object.keys(calls))("refuses %s for good", async (call) => {
    const server: Jobs = createServer(jobs, { broker: (brokers[name] as () => Broker)() });
    await server.start();
    await calls[call]?.(server);
    await server.close();
    await expect(calls[call]?.(server)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      retryable: false,
      message: "this server was closed: make another one",
    });
  });
});
