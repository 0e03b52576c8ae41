import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redis } from "bowline/redis";
import type { Broker } from "../../src/server/broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { bound, insist, startNode, until, type RedisNode } from "../support/redis-node.ts";
import { type RedisServer, redisPath, startCluster } from "../support/redis-server.ts";

const leaseMs = 1500;
const sessionTtlMs = 2000;

describe.skipIf(!redisPath)("redis as a cluster of three masters", () => {
  let servers: RedisServer[] = [];

  beforeAll(async () => {
    servers = await startCluster();
  }, 30_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  // One member that can't be reached is no reason not to start.
  const open = (): Broker =>
    redis({ url: ["redis://127.0.0.1:1", servers[1]?.url ?? ""], leaseMs, sessionTtlMs, timeoutMs: 1000 });

  for (const { name, run, timeoutMs } of brokerConformance({ open, leaseMs, sessionTtlMs }))
    test(name, run, timeoutMs);

  const rooms = Array.from({ length: 12 }, (_, index) => `room ${index}`);
  const start = async (): Promise<RedisNode> => startNode({ url: servers[0]?.url ?? "" }, { session: true });

  test("a master that comes back with its data goes on where it was", async () => {
    const node = await start();
    const first = await Promise.all(rooms.map((room, index) => node.append(room, "x", index + 1)));
    await servers[2]?.kill();
    await until(() => typeof node.heard.outages.at(-1) === "string");
    await servers[2]?.restart();
    await until(() => node.heard.outages.at(-1) === null);
    for (const [index, room] of rooms.entries()) {
      const again = await insist(() => node.append(room, "x", index + 1));
      expect(again).toEqual({ ...first[index], outcome: "repeated" });
    }
    await node.broker.stop();
  });

  test("a room whose slot goes to another master is followed", async () => {
    const node = await start();
    const room = "wanderer";
    await node.broker.subscribe(room, bound);
    const slot = String(await servers[0]?.command("CLUSTER", "KEYSLOT", `bowline:{${room}}`));
    const from = Math.floor(Number(slot) / 5461.4);
    const target = String(await servers[(from + 1) % 3]?.command("CLUSTER", "MYID"));
    // All of the slot, for what other tests left may lie in it too.
    const keys = (await servers[from]?.command("CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[];
    await servers[from]?.command("DEL", ...keys);
    for (const server of [servers[(from + 1) % 3], servers[from], servers[(from + 2) % 3]])
      await server?.command("CLUSTER", "SETSLOT", slot, "NODE", target);
    await until(() => node.holes.includes(room));
    await insist(() => node.append(room, "arrived"));
    await until(() => node.heard.data(room).includes("arrived"));
    await node.broker.stop();
  });
});
