import { afterEach, describe, expect, test, vi } from "vitest";
import { nats, type NatsOptions } from "bowline/nats";
import type { Broker, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

const ample: LogBound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
const tooLarge = { code: "PAYLOAD_TOO_LARGE" };

describe.skipIf(!natsPath)("nats, where its server allows less", () => {
  let server: NatsServer;
  let brokers: Broker[] = [];

  afterEach(async () => {
    for (const broker of brokers) await broker.stop();
    brokers = [];
    await server.stop();
  });

  async function start(config: string, options: Partial<NatsOptions> = {}) {
    server = await NatsServer.start({ config });
    return startNode(options);
  }

  async function startNode(options: Partial<NatsOptions> = {}) {
    const broker = nats({ servers: server.url, ...options });
    brokers.push(broker);
    const heard = new Heard();
    await broker.start(heard.sink, `node-${brokers.length}`);
    return { broker, heard };
  }

  test("entries that come together, and are too large together, are all stored", async () => {
    const { broker, heard } = await start("max_payload: 100KB");
    const entries = Array.from({ length: 6 }, (_, index) => `${index}${'"'.repeat(15_000)}`);
    const results = await Promise.all(
      entries.map(async (data) => broker.append({ room: "r", data, bound: ample })),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(entries.map(() => "stored"));
    const { entries: stored } = await broker.read("r", 0, 10);
    expect(stored.map(({ data }) => data)).toEqual(entries);
    expect(heard.outages).toEqual([]);
  });

  test("a member and a signal that are too large are refused, for good", async () => {
    const { broker, heard } = await start("max_payload: 100KB");
    const member = { session: "s", user: "ada", state: "x".repeat(102_400) };
    await expect(broker.enter("r", member, 1)).rejects.toMatchObject(tooLarge);
    await broker.enter("r", { ...member, state: null }, 1);
    expect((await broker.members("r", 10)).count).toBe(1);
    expect(() => broker.signal("r", "key", "x".repeat(102_400))).toThrow(expect.objectContaining(tooLarge));
    expect(heard.outages).toEqual([]);
  });

  const account = (deny: string): string => `accounts { A { jetstream: enabled, users: [
    { user: "ada", password: "right", permissions: { subscribe: { deny: "${deny}" } } }] } }`;
  const access = { user: "ada", pass: "right" };

  test.each(["bowline.live.>", "bowline.told.all", "bowline.opened"])(
    "not to be allowed to listen to %s is a reason not to start",
    async (subject) => {
      await expect(start(account(subject), access)).rejects.toThrow(/it may not listen to bowline\./);
    },
  );

  test("a room that may not be listened to is an outage as long as somebody wants it", async () => {
    const { broker, heard } = await start(account("bowline.live.secret.>"), access);
    await broker.subscribe("secret", ample).catch(() => {});
    await vi.waitFor(() =>
      expect(heard.outages).toEqual([expect.stringMatching(/may not listen to .*secret/)]),
    );
    await broker.unsubscribe("secret");
    await vi.waitFor(() => expect(heard.outages.at(-1)).toBeNull(), 5000);
    expect(await broker.subscribe("open", ample)).toMatchObject({ head: 0 });
    expect(heard.outages).toHaveLength(2);
  });

  test("messages too small for what stands around an entry are a reason not to start", async () => {
    await expect(start("max_payload: 32KB")).rejects.toThrow(
      "max_payload of the server is 32768, and has to be above 32768",
    );
  });
});
