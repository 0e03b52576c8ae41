import { afterAll, beforeAll, describe, test } from "vitest";
import { nats } from "bowline/nats";
import type { Broker } from "../../src/server/broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

const leaseMs = 1500;
const sessionTtlMs = 2000;

describe.skipIf(!natsPath)("nats", () => {
  let server: NatsServer;
  /** Each broker has its own line to the server, which can be cut. */
  const lines = new Map<Broker, FaultProxy>();

  beforeAll(async () => {
    server = await NatsServer.start({ config: "max_payload: 4194304" });
  });

  afterAll(async () => {
    for (const line of lines.values()) await line.close();
    await server?.stop();
  });

  const open = async (): Promise<Broker> => {
    const line = new FaultProxy(server.port);
    await line.listen();
    const broker = nats({ servers: `127.0.0.1:${line.port}`, leaseMs, sessionTtlMs });
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
