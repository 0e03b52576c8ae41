import { afterEach, describe, expect, test, vi } from "vitest";
import { nats } from "bowline/nats";
import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Broker, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

const ample: LogBound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
const session = "session-1";
const bytes = 20_000;

const account = `no_auth_user: "ada"
  accounts { A { jetstream: { max_file: 4MB, max_mem: 4MB }, users: [{ user: "ada", password: "right" }] } }`;

describe.skipIf(!natsPath)("nats, when its account is full", () => {
  const undo: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const task of undo.splice(0).reverse()) await task();
  });

  /** A full account, and a node that finds that out; `messages` it stored before. */
  async function fullAccount(messages: number) {
    const server = await NatsServer.start({ config: account });
    undo.push(() => server.stop());
    const node = await start(server, "node-1");
    await node.broker.openSession({ session, user: "ada", generation: 1 });
    for (let ref = 1; ref <= messages; ref += 1) await append(node.broker, ref);
    const connection = await connect({ servers: server.url });
    undo.push(() => connection.close());
    const manager = await jetstreamManager(connection);
    await fill(connection, manager);
    return { server, node, connection, free: () => manager.streams.delete("other") };
  }

  async function start(server: NatsServer, name: string) {
    const broker = nats({ servers: server.url });
    const heard = new Heard();
    await broker.start(heard.sink, name);
    undo.push(() => broker.stop());
    return { broker, heard };
  }

  /** Uses up what an account may store, but for less than an entry. */
  async function fill(connection: NatsConnection, { streams }: JetStreamManager): Promise<void> {
    await streams.add({ name: "other", subjects: ["other"] });
    const publish = (length: number) => jetstream(connection).publish("other", "x".repeat(length));
    while (await publish(bytes).catch(() => null));
    // The refused one was stored at first: once the next is, it has been taken away.
    await publish(1);
  }

  function append(broker: Broker, ref: number): ReturnType<Broker["append"]> {
    const origin = { session, ref };
    return broker.append({ room: "room", data: "x".repeat(bytes), bound: ample, origin });
  }

  test("that is one outage, until there is room for what was refused", async () => {
    const { node, connection, free } = await fullAccount(0);
    const { broker, heard } = node;
    let probes = 0;
    connection.subscribe("bowline.log.*.=", { callback: () => void (probes += 1) });
    await expect(append(broker, 1)).rejects.toThrow(/resource limits exceeded/);
    await vi.waitFor(() => expect(probes).toBeGreaterThan(1), 5000);
    expect(heard.outages).toEqual([expect.stringMatching(/resource limits exceeded/)]);
    await free();
    await vi.waitFor(() => expect(heard.outages.at(-1)).toBeNull(), 5000);
    expect(await append(broker, 1)).toMatchObject({ outcome: "stored" });
    expect(heard.outages).toHaveLength(2);
  });

  test("nothing that was stored is lost, and no second log begun", async () => {
    const { server, node, free } = await fullAccount(10);
    const { epoch } = await node.broker.read("room", 0, 0);
    const other = await start(server, "node-2");
    for (const { broker } of [node, other]) await expect(append(broker, 11)).rejects.toThrow();
    await free();
    for (const { heard } of [node, other])
      await vi.waitFor(() => expect(heard.outages.at(-1)).toBeNull(), 5000);
    const late = await start(server, "node-3");
    for (const [index, { broker }] of [late, node, other].entries()) {
      const request = { room: "room", data: "x", bound: ample };
      expect(await broker.append(request)).toEqual({
        outcome: "stored",
        position: { epoch, offset: 11 + index },
      });
    }
    for (const { broker } of [node, other, late]) {
      const { entries } = await broker.read("room", 0, 100);
      expect(entries.map(({ offset }) => offset)).toEqual(Array.from({ length: 13 }, (_, at) => at + 1));
    }
  });
});
