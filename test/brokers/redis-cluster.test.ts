import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redis } from "bowline/redis";
import type { Broker } from "../../src/server/broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { bound, insist, startNode, until, type RedisNode } from "../support/redis-node.ts";
import { type RedisServer, redisPath, startCluster } from "../support/redis-server.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
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
  const start = async (options?: { readonly timeoutMs: number }): Promise<RedisNode> =>
    startNode({ url: servers[0]?.url ?? "", ...options }, { session: true });

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

  test("subscriptions whose connections were killed live again, in every slot", async () => {
    const node = await start({ timeoutMs: 5000 });
    for (const room of rooms) await node.broker.subscribe(room, bound);
    for (const server of servers) await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => rooms.every((room) => node.holes.includes(room)));
    for (const room of rooms) await node.append(room, "after");
    await until(() => rooms.every((room) => node.texts(room).includes("after")));
    expect(node.heard.outages).toEqual([]);
    await node.broker.stop();
  });

  test("members on a master that was emptied are entered again, wherever the lease is", async () => {
    const node = await start();
    for (const room of rooms) await node.broker.enter(room, { session: "ada", user: "ada", state: null }, 1);
    for (const server of servers) {
      await server.command("FLUSHALL");
      for (const room of rooms) await until(async () => (await node.broker.members(room, 10)).count === 1);
    }
    await node.broker.stop();
  });

  test("a room whose slot goes to another master is followed", async () => {
    const node = await start();
    await moveAndFollow(servers, node);
    await node.broker.stop();
  });

  test("a room is followed to a master that does not know yet that it has come", async () => {
    const node = await start();
    const room = "early 2";
    await node.broker.subscribe(room, bound);
    const { source, target, other, empty, move } = await emptySlotOf(servers, room);
    await target?.command("CONFIG", "RESETSTAT");
    await empty();
    await move(source);
    await move(other);
    await until(async () =>
      /ssubscribe:.*rejected_calls=[1-9]/.test(String(await target?.command("INFO", "commandstats"))),
    );
    await move(target);
    await until(() => node.holes.includes(room));
    await insist(() => node.append(room, "arrived"));
    await until(() => node.texts(room).includes("arrived"));
    await node.broker.stop();
  });
});

describe.skipIf(!redisPath || !hasIpv6)("redis as a cluster with addresses of IPv6", () => {
  test("names the member that can't be used, and is followed", async () => {
    const servers = await startCluster("::1");
    try {
      const url = servers[0]?.url ?? "";
      await servers[1]?.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
      const failure = redis({ url }).start(new Heard().sink, "early");
      await expect(failure).rejects.toThrow(`(${servers[1]?.url}) can't be used: its maxmemory-policy`);
      await servers[1]?.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
      const node = await startNode({ url });
      await moveAndFollow(servers, node);
      await node.broker.stop();
    } finally {
      for (const server of servers) await server.stop();
    }
  }, 30_000);
});

/** Where a room's slot is, and where it can go: nothing is left in it. */
async function emptySlotOf(servers: readonly RedisServer[], room: string) {
  const slot = String(await servers[0]?.command("CLUSTER", "KEYSLOT", `bowline:{${room}}`));
  const from = Math.floor(Number(slot) / 5461.4);
  const [source, target, other] = [0, 1, 2].map((step) => servers[(from + step) % 3] as RedisServer);
  const targetId = String(await target?.command("CLUSTER", "MYID"));
  const empty = async (): Promise<void> => {
    // All of the slot, for what other tests left may lie in it too.
    const keys = (await source?.command("CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[];
    if (keys.length > 0) await source?.command("DEL", ...keys);
  };
  const move = async (server?: RedisServer): Promise<unknown> =>
    server?.command("CLUSTER", "SETSLOT", slot, "NODE", targetId);
  return { source, target, other, empty, move };
}

/** Moves the slot of a room, and waits until the room is heard of where it is then. */
async function moveAndFollow(servers: readonly RedisServer[], node: RedisNode): Promise<void> {
  const room = "wanderer";
  await node.broker.subscribe(room, bound);
  const { source, target, other, empty, move } = await emptySlotOf(servers, room);
  await empty();
  for (const server of [target, source, other]) await move(server);
  await until(() => node.holes.includes(room));
  await insist(() => node.append(room, "arrived"));
  await until(() => node.texts(room).includes("arrived"));
}
