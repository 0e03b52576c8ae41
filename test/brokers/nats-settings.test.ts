import { expect, onTestFinished, test } from "vitest";
import { nats } from "bowline/nats";
import type { ClusterSettings } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

test.skipIf(!natsPath)("nodes on NATS find one another's settings as long as they live", async () => {
  const server = await NatsServer.start();
  onTestFinished(() => server.stop());
  const start = async (node: string, sessionTtlMs: number, settings?: ClusterSettings) => {
    const broker = nats({ servers: `127.0.0.1:${server.port}`, sessionTtlMs });
    const heard = new Heard();
    await broker.start(heard.sink, node, settings);
    return { broker, heard };
  };
  const a = await start("a", 5000, { "history r": "1 2 3" });
  const b = await start("b", 6000);
  onTestFinished(() => b.broker.stop());
  const ofA = { "history r": "1 2 3", sessionTtlMs: "5000" };
  expect(a.heard.settings).toEqual([{ own: ofA, others: new Map() }]);
  expect(b.heard.settings).toEqual([{ own: { sessionTtlMs: "6000" }, others: new Map([["a", ofA]]) }]);
  await a.broker.stop();
  const c = await start("c", 6000);
  onTestFinished(() => c.broker.stop());
  expect(c.heard.settings[0]?.others).toEqual(new Map([["b", { sessionTtlMs: "6000" }]]));
});
