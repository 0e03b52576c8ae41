import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bound, entry, startNode, until, type RedisNode } from "../support/redis-node.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const sessionTtlMs = 60_000;

describe.skipIf(!redisPath)("what is kept in Redis", () => {
  let server: RedisServer;
  let a: RedisNode;
  let b: RedisNode;
  let generation = 1;

  beforeAll(async () => {
    server = await RedisServer.start();
    a = await startNode({ url: server.url, sessionTtlMs }, { session: true });
    b = await startNode({ url: server.url, sessionTtlMs });
  });

  afterAll(async () => {
    for (const node of [a, b]) await node?.broker.stop();
    await server?.stop();
  });

  const keys = async (pattern: string): Promise<string[]> =>
    (await server.command("KEYS", pattern)) as string[];
  const ttl = async (key: string): Promise<number> => Number(await server.command("PTTL", key));
  const open = async ({ broker }: RedisNode, session: string): Promise<void> => {
    generation += 1;
    await broker.openSession({ session, user: session, generation });
  };

  /** Every call of the seam, on both nodes, in rooms of their own and together; some of it over again. */
  async function beBusy(): Promise<void> {
    const member = (session: string) => ({ session, user: session, state: null });
    for (const [index, node] of [a, b].entries()) {
      const { broker } = node;
      const [room, session] = [`busy${index}`, `s${index}`];
      await open(node, session);
      await broker.subscribe(room, bound);
      await node.append(room, "by the server");
      for (const ref of [1, 2, 2]) {
        await broker.append({ room, data: entry("x"), bound, origin: { session, ref } });
        await broker.append({ room: "both", data: entry("x"), bound, origin: { session, ref: ref + 10 } });
      }
      await broker.find(room, { session, ref: 1 });
      await broker.read("never written", 0, 10);
      await broker.claimRequest({ session, ref: 3 });
      await broker.answerRequest({ session, ref: 3 }, "answer");
      await broker.claimRequest({ session, ref: 4 });
      broker.renewSessions([session]);
      await broker.enter(room, member(session), generation);
      await broker.enter("both", member(session), generation);
      broker.signal(room, "key", "data");
      broker.tell(null, "told");
      await broker.unsubscribe(room);
    }
    await a.broker.exit("both", "s0", generation);
    // Comes back elsewhere, and finds a ledger gone.
    await open(b, "s0");
    await server.command("DEL", ...(await keys("bowline:{both}:ledger:s1:*")));
    await open(a, "s1");
    await a.broker.append({ room: "both", data: entry("x"), bound, origin: { session: "s1", ref: 20 } });
  }

  test("whatever was done, every key goes some day, but for the marker", async () => {
    await beBusy();
    const endless: string[] = [];
    const all = await keys("*");
    for (const key of all) if ((await ttl(key)) < 0) endless.push(key);
    expect(endless).toEqual(["bowline:{data}:marker"]);
    const kinds = ["meta", "log", "ledger", "members", "record", "ref", "answers", "order", "rooms"];
    for (const kind of kinds)
      expect(
        all.some((key) => key.includes(`}:${kind}`)),
        kind,
      ).toBe(true);
  });

  test("whoever comes back prolongs all that is its own", async () => {
    await open(a, "back");
    const origin = { session: "back", ref: 1 };
    await a.broker.append({ room: "r1", data: entry("x"), bound, origin });
    await a.broker.claimRequest({ session: "back", ref: 2 });
    await a.broker.answerRequest({ session: "back", ref: 2 }, "answer");
    const own = [...(await keys("bowline:{s:back}:*")), ...(await keys("bowline:{r1}:ledger:back:*"))];
    expect(own).toHaveLength(6);
    for (const key of own) await server.command("PEXPIRE", key, "5000");
    await open(b, "back");
    for (const key of own) expect(await ttl(key), key).toBeGreaterThanOrEqual(sessionTtlMs);
  });

  test("a ledger forgets none of the newest 256, takes none of the older for new, and stays short", async () => {
    await open(a, "ring");
    const append = (ref: number) =>
      a.broker.append({ room: "ring", data: entry("x"), bound, origin: { session: "ring", ref } });
    const length = async (): Promise<number> => {
      const [key = ""] = await keys("bowline:{ring}:ledger:ring:*");
      return Number(await server.command("STRLEN", key));
    };
    let last = 0;
    let longest = 0;
    // Until it was cut, which it is once it would be longer than 12,288 bytes.
    while ((await length()) >= longest) {
      longest = await length();
      await Promise.all(Array.from({ length: 50 }, async () => append(++last)));
    }
    expect(last).toBeGreaterThan(256);
    expect(longest).toBeLessThanOrEqual(12_288);
    expect(await append(last - 255)).toMatchObject({ outcome: "repeated", position: { offset: last - 255 } });
    for (let ref = 1; ref < last - 255; ref += 20)
      expect(["repeated", "out-of-order"]).toContain((await append(ref)).outcome);
    expect((await a.broker.read("ring", 0, 0)).head).toBe(last);
  });

  test("a lease that ran out is not prolonged: members are entered again under a new one", async () => {
    const member = { session: "leased", user: "leased", state: null };
    await a.broker.enter("leased", member, 1);
    const held = async (): Promise<string> =>
      String(await server.command("HGET", "bowline:{leased}:members", "leased"));
    const [, owner = ""] = (await held()).split(" ");
    const node = owner.slice(0, owner.lastIndexOf("/"));
    await server.command("ZADD", "bowline:{leases}", "1", owner);
    // The other node may take it away in between.
    await until(async () => {
      const now = await held();
      return now.includes(` ${node}/`) && !now.includes(` ${owner} `);
    });
    await until(async () => (await server.command("ZSCORE", "bowline:{leases}", owner)) === null);
    expect((await b.broker.members("leased", 10)).list).toEqual([member]);
  });
});
