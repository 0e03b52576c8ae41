import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redis } from "bowline/redis";
import { DamageBench } from "../support/damage-bench.ts";
import { RedisServer, redisPath, startCluster } from "../support/redis-server.ts";

/** What is deleted, and whether anybody has to be told. */
const parts: Record<string, { keys: string; tells?: boolean }> = {
  "what is known of a room": { keys: "bowline:{log/a}:meta", tells: true },
  "a room's entries": { keys: "bowline:{log/a}:log" },
  "a room with its entries": { keys: "bowline:{log/a}:[ml]*", tells: true },
  ledgers: { keys: "bowline:{log/a}:ledger:*", tells: true },
  "records of sessions": { keys: "bowline:{s:*}:record" },
  "highest refs of requests": { keys: "bowline:{s:*}:ref", tells: true },
  answers: { keys: "bowline:{s:*}:answers", tells: true },
  "the order of answers": { keys: "bowline:{s:*}:order", tells: true },
  "the list of ledgers": { keys: "bowline:{s:*}:rooms", tells: true },
  "all of the sessions": { keys: "bowline:{s:*}:*", tells: true },
  members: { keys: "bowline:{log/a}:members" },
  leases: { keys: "bowline:{leases}" },
  "where members are": { keys: "bowline:{o:*}:rooms" },
  "all that is about presence": { keys: "bowline:{[lo]*:*[sm]" },
  "the marker": { keys: "bowline:{*}:marker", tells: true },
  "each and every key": { keys: "*", tells: true },
};

const evicting = ["--appendonly", "no", "--maxmemory-policy", "allkeys-random"];

const systems: Record<string, () => Promise<RedisServer[]>> = {
  Redis: async () => [await RedisServer.start({ args: evicting })],
  "a Redis Cluster": () => startCluster(),
};

describe.skipIf(!redisPath).each(Object.entries(systems))("%s loses", (system, start) => {
  let servers: RedisServer[] = [];
  let bench: DamageBench;

  beforeAll(async () => {
    servers = await start();
    const url = (servers[0] as RedisServer).url;
    bench = await DamageBench.start(() =>
      redis({ url, leaseMs: 600, sessionTtlMs: 2000, allowEviction: true }),
    );
  }, 30_000);

  afterAll(async () => {
    await bench?.stop();
    for (const server of servers) await server.stop();
  });

  /** At once, or in a cluster one after the other. */
  async function deleteAll(pattern: string): Promise<number> {
    let count = 0;
    for (const server of servers) {
      const names = (await server.command("KEYS", pattern)) as string[];
      if (servers.length === 1) return Number(await server.command("DEL", ...names));
      for (const name of names) count += Number(await server.command("DEL", name));
    }
    return count;
  }

  /** What differs in a cluster is where the keys lie. */
  const tried = Object.entries(parts).filter(
    ([part]) => system === "Redis" || /^(what is known|ledgers|answers|the marker|each and every)/.test(part),
  );

  test.each(tried)("%s", async (_, { keys, tells = false }) => {
    const { gaps, uncertain, dials, unseen } = await bench.survive(async () => {
      expect(await deleteAll(keys)).toBeGreaterThan(0);
    });
    expect(bench.faults).toEqual([]);
    // Each of the three opens its session anew once; where keys go one after the other, once for each server, and once more.
    expect(dials).toBeLessThanOrEqual(3 * (servers.length === 1 ? 1 : servers.length + 1));
    if (tells) expect(gaps.length + uncertain).toBeGreaterThan(0);
    if (gaps.length === 0) expect(unseen).toEqual([]);
  });
});
