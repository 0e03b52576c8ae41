import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { nats } from "bowline/nats";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsKeepsCopies, natsPath } from "../support/nats-server.ts";

const bound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
/** Whose messages are too large for servers as they come out of the box. */
const large = /1 MiB|1048576/;

describe.skipIf(!natsPath)("nats, on a cluster", () => {
  const replicas = natsKeepsCopies ? 3 : 1;
  let servers: NatsServer[] = [];
  let opened = 0;

  beforeAll(async () => {
    servers = await NatsServer.startCluster(3);
  }, 30_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  // Each node has another server of the cluster to itself.
  const open = () => nats({ servers: servers[opened++ % 3]!.url, replicas });
  for (const { name, run, timeoutMs } of brokerConformance({ open }))
    test.skipIf(large.test(name))(name, run, timeoutMs);

  test("copies that streams have are not taken away by a node that asks for fewer", async () => {
    const stream = "copies_log";
    const start = async (): Promise<number> => {
      const broker = nats({ servers: servers[0]!.url, prefix: "copies" });
      await broker.start(new Heard().sink, "node");
      await broker.stop();
      return servers[0]!.withStream(
        stream,
        async (streams, name) => (await streams.info(name)).config.num_replicas,
      );
    };
    expect(await start()).toBe(1);
    await servers[0]!.withStream(stream, (streams, name) => streams.update(name, { num_replicas: 3 }));
    expect(await start()).toBe(3);
  });

  test.skipIf(!natsKeepsCopies)(
    "a server that dies takes nothing with it, and nothing is stored twice",
    async () => {
      const all = { servers: servers.map(({ url }) => url).reverse(), replicas };
      const [writer, reader] = [nats(all), nats(all)];
      await writer.start(new Heard().sink, "writer");
      await reader.start(new Heard().sink, "reader");
      const session = "session-1";
      await writer.openSession({ session, user: "ada", generation: 1 });
      const data = Array.from({ length: 50 }, (_, index) => `${index + 1}`);
      for (const [index, text] of data.entries()) {
        if (index === 10) await servers[2]?.kill();
        const request = { room: "room", data: text, bound, origin: { session, ref: index + 1 } };
        const result = await insist(async () => writer.append(request));
        expect(result).toMatchObject({ position: { offset: index + 1 } });
      }
      const page = await insist(async () => reader.read("room", 0, 100));
      expect(page.entries.map((entry) => entry.data)).toEqual(data);
      await writer.stop();
      await reader.stop();
    },
    60_000,
  );
});

/** Does again what fails, as a node does. */
function insist<T>(task: () => Promise<T>): Promise<T> {
  return vi.waitFor(task, { timeout: 20_000 });
}
