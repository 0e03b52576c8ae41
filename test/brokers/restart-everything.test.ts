import { afterEach, describe, expect, test } from "vitest";
import { nats } from "bowline/nats";
import { redis } from "bowline/redis";
import type { AppendResult, Broker } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { connect, impatient } from "../guarantees/clients.ts";
import { range, Recorder } from "../guarantees/recorder.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";
import { startNodeProcess, type ProcessBroker } from "../support/node-process.ts";
import { until } from "../support/redis-node.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

/** What keeps the data, in a process that can be killed, and whose files can be put back. */
interface Service {
  readonly url: string;
  kill(): Promise<void>;
  /** Ends it in order. */
  shutDown(): Promise<void>;
  restart(): Promise<void>;
  /** Puts a copy of its files aside; what is returned puts that in their place. */
  copyData(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

const redisWith = (fsync: string) => (): Promise<Service> =>
  RedisServer.start({ args: ["--appendonly", "yes", "--appendfsync", fsync] });

interface System {
  readonly broker: ProcessBroker;
  readonly start: () => Promise<Service>;
  readonly path: string | undefined;
  /** Whether it can be asked if it answers nothing before it is on disk, and does so. */
  readonly synced?: boolean;
}

const systems: Record<string, System> = {
  "Redis that syncs every second": { broker: "redis", start: redisWith("everysec"), path: redisPath },
  "Redis that always syncs": { broker: "redis", start: redisWith("always"), path: redisPath, synced: true },
  NATS: { broker: "nats", start: () => NatsServer.start(), path: natsPath },
};

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
});

/** A node on a line of its own: when that is cut, it is as good as killed. */
async function startNode({ broker }: System, service: Service, leaseMs = 60_000) {
  const proxy = new FaultProxy(Number(new URL(service.url).port));
  await proxy.listen();
  const { port } = proxy;
  const made =
    broker === "redis"
      ? redis({ url: `redis://127.0.0.1:${port}`, leaseMs, timeoutMs: 1000 })
      : nats({ servers: `nats://127.0.0.1:${port}`, leaseMs });
  await made.start(new Heard().sink, `node${++nodes}`);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= made.stop());
  const kill = (): Promise<void> => proxy.close();
  undo.push(async () => {
    await close().catch(() => {});
    await kill();
  });
  return { broker: made, close, kill };
}

let nodes = 0;
let generation = 0;

/** What a client and a reader hold on to: if one of these is another one, they are told. */
async function look({ broker }: { broker: Broker }): Promise<{ log: string; session: string; head: number }> {
  const claim = { session: "session-1", user: "ada" };
  const opening = await broker.openSession({ ...claim, generation: ++generation });
  const { epoch, head } = await broker.read("r", 0, 10);
  return { log: epoch, session: (opening as { ledger: string }).ledger, head };
}

async function append({ broker }: { broker: Broker }, ref: number): Promise<AppendResult> {
  const origin = { session: "session-1", ref };
  return broker.append({
    room: "r",
    data: `{"ref":${ref}}`,
    bound: { count: 100, ageMs: 3_600_000, bytes: Infinity },
    origin,
  });
}

/** A service, and a node that has stored two entries. */
async function begin(system: System, nodeLeaseMs?: number) {
  const service = await system.start();
  undo.push(() => service.stop());
  const node = await startNode(system, service, nodeLeaseMs);
  await look(node);
  for (const ref of [1, 2]) expect(await append(node, ref)).toMatchObject({ outcome: "stored" });
  return { service, node, before: await look(node), start: (ms?: number) => startNode(system, service, ms) };
}

type Begun = Awaited<ReturnType<typeof begin>>;

async function expectSame({ before, start }: Begun): Promise<void> {
  const node = await start();
  expect(await look(node)).toEqual(before);
  expect(await append(node, 2)).toMatchObject({ outcome: "repeated", position: { offset: 2 } });
}

async function expectAnother({ before, start }: Begun): Promise<void> {
  const node = await start();
  const after = await look(node);
  expect(after.log).not.toBe(before.log);
  expect(after.session).not.toBe(before.session);
  expect(after.head).toBe(0);
}

describe.each(Object.entries(systems))("everything ends and starts again, on %s", (_, system) => {
  const { synced = false, path } = system;
  const run = test.skipIf(!path);

  run("all in order: it is the same data set", async () => {
    const begun = await begin(system);
    await begun.node.close();
    await begun.service.shutDown();
    await begun.service.restart();
    await expectSame(begun);
  });

  run("the node in order, and the service killed after it: it is the same", async () => {
    const begun = await begin(system);
    await begun.node.close();
    await begun.service.kill();
    await begun.service.restart();
    await expectSame(begun);
  });

  run("the node killed, and the service not: it is the same", async () => {
    const begun = await begin(system);
    await begun.node.kill();
    await expectSame(begun);
  });

  run("a node killed, and the one that was left in order: it is the same", async () => {
    const begun = await begin(system, 600);
    const survivor = await begun.start(600);
    await begun.node.kill();
    await until(async () => (await survivor.broker.nodes()).length === 1);
    await survivor.close();
    await begun.service.kill();
    await begun.service.restart();
    await expectSame(begun);
  });

  run(`both killed, and nothing need be missing: ${synced ? "it is the same" : "another one"}`, async () => {
    const begun = await begin(system);
    await begun.node.kill();
    await begun.service.kill();
    await begun.service.restart();
    await (synced ? expectSame : expectAnother)(begun);
  });

  // What syncs always has its end whatever becomes of the machine: only a copy that is put back could lack it.
  const runWithoutEnd = test.skipIf(!path || synced);

  runWithoutEnd("both killed, and the end is missing: it is another one", async () => {
    const begun = await begin(system);
    const putBack = await begun.service.copyData();
    await append(begun.node, 3);
    await begun.node.kill();
    await begun.service.kill();
    await putBack();
    await begun.service.restart();
    await expectAnother(begun);
  });

  runWithoutEnd("the node in order, and the end is missing: it is another one", async () => {
    const begun = await begin(system);
    const putBack = await begun.service.copyData();
    await append(begun.node, 3);
    await begun.node.close();
    await begun.service.kill();
    await putBack();
    await begun.service.restart();
    await expectAnother(begun);
  });

  runWithoutEnd(
    "processes killed with SIGKILL, and the end is missing: clients are told once",
    async () => {
      const service = await system.start();
      undo.push(() => service.stop());
      const node = await startNodeProcess(system.broker, service.url);
      const seen = new Recorder(connect(node.port, "reader", impatient).join("numbers/a"));
      const room = connect(node.port, "writer", impatient).join("numbers/a");
      let n = 0;
      const publish = async (count: number): Promise<string[]> => {
        const published = Array.from({ length: count }, () => room.publish("number", { n: ++n }));
        const positions = await Promise.all(published);
        await seen.until(() => seen.numbers.includes(n));
        return positions.map(({ epoch, offset }) => `${epoch} ${offset}`);
      };
      const former = await publish(5);
      const putBack = await service.copyData();
      former.push(...(await publish(5)));
      await Promise.all([node.kill(), service.kill()]);
      await putBack();
      await service.restart();
      await startNodeProcess(system.broker, service.url, node.port);
      const later = await publish(5);
      expect(later.filter((position) => former.includes(position))).toEqual([]);
      expect(seen.numbers).toEqual(range(1, 15));
      expect(seen.gaps.map(({ reason }) => reason)).toEqual(["epoch"]);
    },
    30_000,
  );
});
