import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { redis, type RedisBrokerOptions } from "bowline/redis";
import { FaultProxy } from "../support/fault-proxy.ts";
import { bound, insist, startNode, until, type RedisNode } from "../support/redis-node.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
});

async function serve(...args: string[]): Promise<RedisServer> {
  const server = await RedisServer.start(args.length > 0 ? { args } : {});
  undo.push(() => server.stop());
  return server;
}

async function node(options: RedisBrokerOptions, more?: { session?: boolean }): Promise<RedisNode> {
  const started = await startNode(options, more);
  undo.push(() => started.broker.stop());
  return started;
}

/** A server with a replica that has its first entry. */
async function replicated() {
  const server = await serve();
  const replica = await serve("--appendonly", "yes", "--replicaof", `127.0.0.1 ${server.port}`);
  const a = await node({ url: server.url }, { session: true });
  const { epoch } = await a.broker.subscribe("r", bound);
  await a.append("r", "one", 1);
  await until(async () => Number(await replica.command("EXISTS", "bowline:{r}:log")) === 1);
  return { server, replica, a, epoch };
}

const lastOutage = ({ heard }: RedisNode): unknown => heard.outages.at(-1);
const reopen = { session: "ada", user: "ada", generation: 2 };

describe.skipIf(!redisPath)("a data set that is not what it was", () => {
  test("restarted with its log of writes, it is the same: epochs and ledgers stay", async () => {
    const server = await serve();
    const a = await node({ url: server.url }, { session: true });
    const first = await a.append("r", "one", 1);
    await server.kill();
    await server.restart();
    expect(await insist(() => a.append("r", "one", 1))).toEqual({ ...first, outcome: "repeated" });
    expect(await a.append("r", "two", 2)).toMatchObject({ outcome: "stored", position: { offset: 2 } });
  });

  test("restarted from a snapshot, it may lack its end: new epochs, and no session is known", async () => {
    const server = await serve("--appendonly", "no");
    const a = await node({ url: server.url }, { session: true });
    const { epoch } = await a.broker.subscribe("r", bound);
    await a.append("r", "one", 1);
    const ledgers = await server.command("HGET", "bowline:{s:ada}:record", "ledger");
    await server.command("SAVE");
    await a.append("r", "two", 2);
    await server.kill();
    await server.restart();
    expect(await insist(() => a.append("r", "two", 2))).toEqual({ outcome: "unknown-session" });
    const page = await a.broker.read("r", 0, 10);
    expect(page).toMatchObject({ base: 0, head: 0, entries: [] });
    expect(page.epoch).not.toBe(epoch);
    const known = await a.broker.openSession(reopen);
    // The record is there, from the snapshot; its ledgers may lack their end.
    const kept = await server.command("HGET", "bowline:{s:ada}:record", "user");
    expect([kept !== null, known]).toEqual([true, { outcome: "opened", ledger: expect.any(String), ref: 0 }]);
    if (known.outcome === "opened") expect(known.ledger).not.toBe(ledgers);
    expect(await a.append("r", "two", 2)).toMatchObject({ outcome: "stored" });
  });

  test("served by a replica that took over, it may lack its end", async () => {
    const { server, replica, a, epoch } = await replicated();
    await server.kill();
    await replica.command("REPLICAOF", "NO", "ONE");
    await replica.command("CONFIG", "SET", "port", String(server.port));
    expect(await insist(() => a.append("r", "one", 1))).toEqual({ outcome: "unknown-session" });
    expect((await a.broker.read("r", 0, 10)).epoch).not.toBe(epoch);
  });

  test("of a server that was a replica of an older copy meanwhile, it may lack its end", async () => {
    const { server, replica, a, epoch } = await replicated();
    await replica.command("REPLICAOF", "NO", "ONE");
    await a.append("r", "two", 2);
    await server.command("REPLICAOF", "127.0.0.1", String(replica.port));
    await until(async () => Number(await server.command("LLEN", "bowline:{r}:log")) === 1);
    await server.command("REPLICAOF", "NO", "ONE");
    await until(() => a.holes.includes("r"));
    expect(await insist(() => a.append("r", "two", 2))).toEqual({ outcome: "unknown-session" });
    expect((await a.broker.read("r", 0, 10)).epoch).not.toBe(epoch);
  });

  test("restarted with an older log of writes, it lacks the last entry that was heard", async () => {
    const server = await serve();
    const a = await node({ url: server.url, leaseMs: 60_000 }, { session: true });
    const b = await startNode({ url: server.url, leaseMs: 60_000 });
    const { epoch } = await a.broker.subscribe("r", bound);
    await a.append("r", "one", 1);
    const putBack = await server.copyData();
    await b.append("r", "two");
    await until(() => a.texts("r").includes("two"));
    await b.broker.stop();
    await server.kill();
    await putBack();
    await server.restart();
    expect(await insist(() => a.append("r", "three", 2))).toEqual({ outcome: "unknown-session" });
    expect((await a.broker.read("r", 0, 10)).epoch).not.toBe(epoch);
  });

  test("gone on with by others since it was lost, it lacks the last entry that was stored", async () => {
    const server = await serve();
    const proxy = new FaultProxy(server.port);
    await proxy.listen();
    undo.push(() => proxy.close());
    const a = await node({ url: `redis://127.0.0.1:${proxy.port}`, leaseMs: 60_000 });
    const b = await node({ url: server.url, leaseMs: 60_000 });
    await a.append("r", "one");
    const { epoch } = await b.broker.read("r", 0, 10);
    const putBack = await server.copyData();
    await a.append("r", "two");
    proxy.freeze("toServer", "toClient");
    await server.kill();
    await putBack();
    await server.restart();
    // All that this one has seen is there.
    for (const data of ["TWO", "THREE"]) await insist(() => b.append("r", data));
    expect(await b.broker.read("r", 0, 10)).toMatchObject({ epoch, head: 3 });
    proxy.cut();
    await until(async () => (await a.broker.read("r", 0, 10)).epoch !== epoch);
  });

  test("restarted with an older log of writes, it lacks what was counted", async () => {
    const server = await serve();
    const a = await node({ url: server.url }, { session: true });
    const putBack = await server.copyData();
    const count = async (): Promise<number> =>
      Number(await server.command("HGET", "bowline:{data}:marker", "count"));
    const before = await count();
    await until(async () => (await count()) > before + 1);
    await server.kill();
    await putBack();
    await server.restart();
    expect(await insist(() => a.append("r", "one", 1))).toEqual({ outcome: "unknown-session" });
  });

  test("emptied under a live connection, it is noticed: holes, and a ledger that is gone loses its session", async () => {
    const server = await serve();
    const a = await node({ url: server.url }, { session: true });
    const { epoch } = await a.broker.subscribe("r", bound);
    await a.append("r", "one", 1);
    await server.command("FLUSHALL");
    expect(await a.append("r", "one", 1)).toEqual({ outcome: "unknown-session" });
    await until(() => a.holes.includes("r"));
    expect((await a.broker.read("r", 0, 10)).epoch).not.toBe(epoch);
  });
});

describe.skipIf(!redisPath)("a server that is out of reach", () => {
  test("frozen, it is an outage: calls reject soon, and entries flow again when it is over", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await a.broker.subscribe("r", bound);
    server.freeze();
    await expect(a.append("r", "x")).rejects.toThrow(/no answer from Redis in 500 ms/);
    expect(lastOutage(a)).toMatch(/no answer/);
    await expect(a.append("r", "x")).rejects.toThrow(/can't be reached/);
    server.thaw();
    await until(() => lastOutage(a) === null);
    const { position } = (await insist(() => a.append("r", "after"))) as { position: { offset: number } };
    await until(() => a.heard.entries("r").some(({ offset }) => offset === position.offset));
  });

  test("a subscription whose connection was killed lives again, and says that there is a hole", async () => {
    const server = await serve();
    const a = await node({ url: server.url, timeoutMs: 5000 });
    await a.broker.subscribe("r", bound);
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => a.holes.includes("r"));
    await a.append("r", "after");
    await until(() => a.heard.entries("r").length === 1);
    expect(a.heard.outages).toEqual([]);
  });

  test("what can't be heard for longer is an outage, until it is heard again", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await a.broker.subscribe("r", bound);
    await server.command("ACL", "SETUSER", "default", "resetchannels");
    await until(() => /can't be heard: NOPERM/.test(String(lastOutage(a))));
    a.holes.length = 0;
    await server.command("ACL", "SETUSER", "default", "allchannels");
    await until(() => a.holes.includes("r") && lastOutage(a) === null);
    await a.append("r", "after");
    await until(() => a.texts("r").includes("after"));
  });

  test("a subscribe that is given up takes nothing from a newer one", async () => {
    const server = await serve();
    const proxy = new FaultProxy(server.port);
    await proxy.listen();
    undo.push(() => proxy.close());
    const a = await node({ url: `redis://127.0.0.1:${proxy.port}`, leaseMs: 60_000 });
    proxy.freeze("toClient");
    const older = a.broker.subscribe("r", bound);
    a.broker.unsubscribe("r").catch(() => {});
    // So that the newer one is not given up as well.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const newer = a.broker.subscribe("r", bound);
    await expect(older).rejects.toThrow(/no answer/);
    proxy.thaw("toClient");
    await newer;
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => a.holes.includes("r"));
  });

  test("a line that is silent in one direction is noticed by the subscriber", async () => {
    const server = await serve();
    const proxy = new FaultProxy(server.port);
    await proxy.listen();
    undo.push(() => proxy.close());
    const a = await node({ url: `redis://127.0.0.1:${proxy.port}` });
    await a.broker.subscribe("r", bound);
    proxy.freeze("toClient");
    await until(() => typeof lastOutage(a) === "string");
    proxy.thawNew();
    await until(() => a.holes.includes("r") && lastOutage(a) === null);
  });

  test("word of a newer connection that was lost is asked for again", async () => {
    const server = await serve();
    const proxy = new FaultProxy(server.port);
    await proxy.listen();
    undo.push(() => proxy.close());
    const a = await node({ url: `redis://127.0.0.1:${proxy.port}`, leaseMs: 60_000 }, { session: true });
    const b = await node({ url: server.url });
    proxy.freeze("toClient");
    await b.broker.openSession(reopen);
    proxy.cut();
    await until(() => a.heard.opened.get("ada")?.includes(2));
  });

  test("scripts that were dropped are loaded again", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await server.command("SCRIPT", "FLUSH");
    await expect(a.append("r", "x")).rejects.toThrow(/NOSCRIPT/);
    expect(await insist(() => a.append("r", "x"))).toMatchObject({ outcome: "stored" });
  });

  test("full, it is an outage until there is room", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await a.append("r", "x");
    await server.command("CONFIG", "SET", "maxmemory", "1");
    const failure: unknown = await a.append("r", "private words").catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringMatching(/^OOM/) as string });
    // The client's errors carry the whole command.
    expect(inspect(failure)).not.toContain("private words");
    expect(lastOutage(a)).toMatch(/OOM/);
    expect((await a.broker.read("r", 0, 10)).entries).toHaveLength(1);
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await until(() => lastOutage(a) === null);
    expect(await a.append("r", "y")).toMatchObject({ position: { offset: 2 } });
  });

  test("busy with a script of somebody else, it is an outage until that ends", async () => {
    const server = await serve("--busy-reply-threshold", "50");
    const a = await node({ url: server.url });
    const endless = server.command("EVAL", "while true do end", "0").catch(() => {});
    await until(() =>
      server.command("PING").then(
        () => false,
        (error: unknown) => /BUSY/.test(String(error)),
      ),
    );
    await expect(a.append("r", "x")).rejects.toThrow(/BUSY/);
    expect(lastOutage(a)).toMatch(/BUSY/);
    await server.command("SCRIPT", "KILL");
    await endless;
    await until(() => lastOutage(a) === null);
    expect(await insist(() => a.append("r", "x"))).toMatchObject({ outcome: "stored" });
  });

  test("made a replica, it is an outage", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await server.command("REPLICAOF", "127.0.0.1", "1");
    await expect(a.append("r", "y")).rejects.toThrow(/READONLY/);
    await until(() => /READONLY|replica/.test(String(lastOutage(a))));
    await server.command("REPLICAOF", "NO", "ONE");
    await until(() => lastOutage(a) === null);
  });
});

describe.skipIf(!redisPath)("leases", () => {
  const member = { session: "ada", user: "ada", state: null };

  test("a node that was cut off for longer than its lease loses its members, and enters them again", async () => {
    const server = await serve();
    const proxy = new FaultProxy(server.port);
    await proxy.listen();
    undo.push(() => proxy.close());
    const a = await node({ url: `redis://127.0.0.1:${proxy.port}` });
    const b = await node({ url: server.url });
    await b.broker.subscribe("r", bound);
    await a.broker.enter("r", member, 1);
    proxy.freeze("toServer", "toClient");
    await until(() => b.heard.presence("r").some(({ gone }) => gone === "ada"));
    expect(await b.broker.nodes()).toHaveLength(1);
    proxy.thaw("toServer", "toClient");
    await until(async () => (await b.broker.members("r", 10)).count === 1);
    await until(async () => (await b.broker.nodes()).length === 2);
    expect(b.heard.presence("r").at(-1)).toEqual({ set: member, count: 1 });
  });

  test("a data set that was lost gets its members back", async () => {
    const server = await serve();
    const a = await node({ url: server.url });
    await a.broker.enter("r", member, 1);
    await server.kill();
    await server.restart({ keepData: false });
    await until(async () => (await a.broker.members("r", 10)).count === 1);
  });

  test("a data set that is older than its members, with a lease that still holds, has who is there", async () => {
    const server = await serve("--appendonly", "no");
    const leaseMs = 2000;
    const a = await node({ url: server.url, leaseMs });
    const b = await node({ url: server.url, leaseMs });
    const stays = { session: "grace", user: "grace", state: null };
    await a.broker.enter("r", member, 1);
    await a.broker.enter("r", stays, 1);
    await server.command("SAVE");
    await a.broker.exit("r", "ada", 1);
    await a.broker.enter("elsewhere", stays, 1);
    await server.kill();
    await server.restart();
    await until(async () => (await b.broker.members("elsewhere", 10)).count === 1);
    await until(async () => (await b.broker.members("r", 10)).count === 1);
    expect((await b.broker.members("r", 10)).list).toEqual([stays]);
  });

  test("a node that stops takes its members and its lease with it", async () => {
    const server = await serve();
    const a = await startNode({ url: server.url });
    const b = await node({ url: server.url });
    await a.broker.enter("r", member, 1);
    await a.broker.stop();
    expect(await b.broker.members("r", 10)).toEqual({ count: 0, list: [] });
    expect(await b.broker.nodes()).toHaveLength(1);
  });
});

describe.skipIf(!redisPath)("starting", () => {
  const start = async (options: RedisBrokerOptions): Promise<void> => {
    const started = await startNode(options);
    await started.broker.stop();
  };

  test("with a wrong password is refused, and the password is not shown", async () => {
    const server = await serve("--requirepass", "right");
    const failure = start({ url: `redis://:guess@127.0.0.1:${server.port}` });
    expect(inspect(await failure.catch((error: unknown) => error))).not.toContain("guess");
    await expect(failure).rejects.toThrow(/option "url" \(redis:\/\/:\*\*\*@127\.0\.0\.1.*WRONGPASS/);
    await expect(start({ url: server.url })).rejects.toThrow(/NOAUTH/);
    await start({ url: `redis://:right@127.0.0.1:${server.port}/3` });
  });

  test("with a database that can't be had is refused", async () => {
    const server = await serve();
    await expect(start({ url: `${server.url}/99` })).rejects.toThrow(
      /option "url".*DB index is out of range/,
    );
    await server.command("ACL", "SETUSER", "ada", "on", ">p", "~*", "&*", "+@all", "-select");
    const failure = start({ url: `redis://ada:p@127.0.0.1:${server.port}/3` });
    await expect(failure).rejects.toThrow(/option "url".*permissions to run the 'select' command/);
    expect(await server.command("DBSIZE")).toBe(0);
  });

  test.each([
    ["-rpush -append", /its user may not use APPEND, RPUSH with bowline:/],
    ["-hscan", /its user may not use HSCAN with/],
    ["resetchannels", /its user may not use PUBLISH with/],
    ["resetchannels &bowline:{data}:marker", /option "url".*NOPERM.*channel/],
    ["-evalsha", /option "url".*permissions to run the 'evalsha' command/],
  ])("as a user with %s is refused", async (rules, message) => {
    const server = await serve();
    await server.command(
      "ACL",
      "SETUSER",
      "ada",
      "on",
      ">p",
      "~bowline:*",
      "&bowline:*",
      "+@all",
      ...rules.split(" "),
    );
    await expect(start({ url: `redis://ada:p@127.0.0.1:${server.port}` })).rejects.toThrow(message);
  });

  test("on a server that may evict is refused, unless that is allowed", async () => {
    const server = await serve("--maxmemory-policy", "allkeys-lru");
    await expect(start({ url: server.url })).rejects.toThrow(/maxmemory-policy is allkeys-lru.*noeviction/);
    await start({ url: server.url, allowEviction: true });
  });

  test("on what is no Redis is refused", async () => {
    const server: Server = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    undo.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await expect(start({ url: `redis://127.0.0.1:${port}` })).rejects.toThrow(
      /option "url" \(redis:.*no Redis/,
    );
  });

  test("where nobody listens, or nobody answers, is refused soon", async () => {
    await expect(start({ url: "redis://127.0.0.1:1" })).rejects.toThrow(/option "url".*ECONNREFUSED/);
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    undo.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    await expect(start({ url: `redis://127.0.0.1:${port}` })).rejects.toThrow(
      /no answer from Redis in 500 ms/,
    );
  });

  test("with several servers that are no cluster is refused", async () => {
    const server = await serve();
    await expect(start({ url: [server.url, "redis://127.0.0.1:1"] })).rejects.toThrow(/in no cluster/);
  });

  test("twice is refused: one broker serves one server", async () => {
    const server = await serve();
    const { broker, heard } = await node({ url: server.url });
    await expect(broker.start(heard.sink, "other")).rejects.toThrow(/one broker serves one server/);
  });
});

describe("options", () => {
  test.each([
    [{ url: "" }, /option "url" must be redis:\/\/host:port/],
    [{ url: [] }, /option "url" must be/],
    [{ url: "http://:secret@host" }, /option "url" .* not "\*\*\*@host"/],
    [{ url: "redis://:secret@host/abc" }, /option "url" .* \/number .* not "\*\*\*@host\/abc"/],
    [{ url: "redis://h", prefix: "a b" }, /option "prefix" must be .* not "a b"/],
    [{ url: "redis://h", leaseMs: 1.5 }, /option "leaseMs" must be .* not 1.5/],
    [{ url: "redis://h", sessionTtlMs: 0 }, /option "sessionTtlMs" must be .* not 0/],
  ])("%j is refused with its name and value", (options, message) => {
    expect(() => redis(options as RedisBrokerOptions)).toThrow(message);
  });
});
