import { afterAll, beforeAll, describe, test } from "vitest";
import { redis } from "bowline/redis";
import type { Broker } from "../../src/server/broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const leaseMs = 1500;
const sessionTtlMs = 2000;

describe.skipIf(!redisPath)("redis", () => {
  let server: RedisServer;
  /** Each broker has its own line to the server, which can be cut. */
  const lines = new Map<Broker, FaultProxy>();

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(async () => {
    for (const line of lines.values()) await line.close();
    await server?.stop();
  });

  const open = async (): Promise<Broker> => {
    const line = new FaultProxy(server.port);
    await line.listen();
    const broker = redis({ url: `redis://127.0.0.1:${line.port}`, leaseMs, sessionTtlMs, timeoutMs: 2000 });
    lines.set(broker, line);
    return broker;
  };

  const bench = {
    open,
    leaseMs,
    sessionTtlMs,
    crash: (broker: Broker) => lines.get(broker)?.freeze("toServer", "toClient"),
    stopService: () => server.kill(),
    startService: (how: { readonly keepData: boolean }) => server.restart(how),
  };
  for (const { name, run, timeoutMs } of brokerConformance(bench)) test(name, run, timeoutMs);
});
