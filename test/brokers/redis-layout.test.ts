import { contract, event, room } from "bowline";
import { createClient } from "bowline/client";
import { serve } from "bowline/node";
import { redis } from "bowline/redis";
import { createServer } from "bowline/server";
import { WebSocket } from "ws";
import * as z from "zod";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { layout, scripts } from "../../src/brokers/redis/generated-scripts.ts";
import { bound, entry, startNode, until, type RedisNode } from "../support/redis-node.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const marker = "bowline:{data}:marker";
const origin = (ref: number) => ({ session: "ada", ref });

describe.skipIf(!redisPath)("a Redis that holds what is not ours", () => {
  let server: RedisServer;
  const undo: (() => unknown)[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    for (const task of undo.splice(0).reverse()) await task();
    await server.command("FLUSHALL");
  });

  afterAll(() => server?.stop());

  async function start(settings: { sessionTtlMs?: number } = {}): Promise<RedisNode> {
    const node = await startNode({ url: server.url, ...settings });
    undo.push(() => node.broker.stop());
    return node;
  }

  async function startWithSession(): Promise<RedisNode> {
    const node = await start();
    await node.broker.openSession({ session: "ada", user: "ada", generation: 1 });
    return node;
  }

  /** Every key with its value and life, and how many changes there were. */
  async function everything(): Promise<unknown> {
    const keys = ((await server.command("KEYS", "*")) as string[]).toSorted();
    const values = keys.map(async (key) => [
      key,
      await server.command("DUMP", key),
      await server.command("PTTL", key),
    ]);
    const info = String(await server.command("INFO", "persistence"));
    return [await Promise.all(values), /rdb_changes_since_last_save:\d+/.exec(info)?.[0]];
  }

  const sound = ["token", "t", "run", "r", "turn", "-1", "logged", "1", "count", "1", "first", "0"];
  test.each([
    [
      "of a later layout",
      ["HSET", marker, "layout", "2", ...sound],
      /"bowline:\{data\}:marker".*of layout 2,.*layout 1:/,
    ],
    ["of an earlier one", ["HSET", marker, "layout", "0", ...sound], /of layout 0,.*layout 1:/],
    ["without a layout", ["HSET", marker, ...sound], /a hash without a layout number.*layout 1 /],
    [
      "of a layout that is no number",
      ["HSET", marker, "layout", "new\n", ...sound],
      /layout number "new.*layout 1 /,
    ],
    ["that lacks its token", ["HSET", marker, "layout", "1", "run", "r"], /a damaged marker.*layout 1 /],
    ["whose count is no number", ["HSET", marker, "layout", "1", ...sound, "count", "x"], /a damaged marker/],
    ["that is a text", ["SET", marker, "mine"], /a string.*layout 1 /],
    ["that is a list", ["RPUSH", marker, "mine"], /a list.*layout 1 /],
  ])("with a marker %s is refused at the start, and nothing is written", async (_, command, message) => {
    await server.command(...(command as [string, ...string[]]));
    const before = await everything();
    await expect(startNode({ url: server.url })).rejects.toThrow(message);
    expect(await everything()).toEqual(before);
  });

  test("put in the place of ours, with another layout, it is an outage that says so, and is not written to", async () => {
    const a = await start();
    await a.append("r", "one");
    await server.command("FLUSHALL");
    await server.command("HSET", marker, "layout", String(layout + 1), ...sound);
    const before = await everything();
    await expect(a.append("r", "two")).rejects.toThrow();
    await until(() => /of layout 2, and this node's is layout 1/.test(String(a.heard.outages.at(-1))));
    expect(await everything()).toEqual(before);
    await server.command("DEL", marker);
    await until(() => a.heard.outages.at(-1) === null);
    expect(await a.append("r", "three")).toMatchObject({ outcome: "stored", position: { offset: 1 } });
  });

  test("a script that was altered is refused before anything is asked of Redis", async () => {
    const script = scripts.append as { lua: string };
    const { lua } = script;
    undo.push(() => (script.lua = lua));
    script.lua = lua.replace("> ledger.ref", ">= ledger.ref");
    const before = await everything();
    await expect(startNode({ url: server.url })).rejects.toThrow(
      /the script "append" was altered: its SHA-1 is [0-9a-f]{40}, that of layout 1 is [0-9a-f]{40}/,
    );
    expect(await everything()).toEqual(before);
  });

  describe("under a name of ours", () => {
    const member = { session: "ada", user: "ada", state: null };
    const rows: [key: string, wanted: string, call: (node: RedisNode) => Promise<unknown>][] = [
      ["bowline:{r}:meta", "hash", (node) => node.append("r", "x", 1)],
      ["bowline:{r}:log", "list", (node) => node.append("r", "x", 1)],
      ["bowline:{r}:log", "list", (node) => node.broker.read("r", 0, 10)],
      ["bowline:{r}:members", "hash", async ({ broker }) => broker.enter("r", member, 1)],
      ["bowline:{r}:members", "hash", async ({ broker }) => broker.members("r", 10)],
      ["bowline:{s:ada}:rooms", "set", (node) => node.append("r", "x", 1)],
      ["bowline:{s:ada}:answers", "hash", async ({ broker }) => broker.claimRequest(origin(1))],
      [
        "bowline:{s:eve}:record",
        "hash",
        ({ broker }) => broker.openSession({ session: "eve", user: "eve", generation: 1 }),
      ],
    ];
    test.each(rows)("%s, not a %s, is named", async (key, wanted, call) => {
      const node = await startWithSession();
      await server.command("DEL", key);
      await server.command("SET", key, "mine");
      await expect(call(node)).rejects.toThrow(`the key "${key}" is a string and has to be a ${wanted}`);
      expect(await server.command("GET", key)).toBe("mine");
    });

    test("a ledger that is none is named, nothing is stored, and other rooms are as ever", async () => {
      const node = await startWithSession();
      const ledger = String(await server.command("HGET", "bowline:{s:ada}:record", "ledger"));
      const key = `bowline:{r}:ledger:ada:${ledger}`;
      await server.command("RPUSH", key, "mine");
      const results = await Promise.allSettled([
        node.append("before", "x", 1),
        node.append("r", "x", 2),
        node.append("after", "x", 3),
      ]);
      expect(results).toMatchObject([
        { value: { outcome: "stored" } },
        { reason: { message: expect.stringContaining(`the key "${key}" is a list`) as string } },
        { value: { outcome: "stored" } },
      ]);
      expect((await node.broker.read("r", 0, 10)).head).toBe(0);
      await server.command("DEL", key);
      expect(await node.append("r", "x", 2)).toMatchObject({ outcome: "stored", position: { offset: 1 } });
    });
  });

  test.each(["x", "", "[1]", "{", "{}", '{"a":1}\n', '{\n"a":1}', ' {"a":1}'])(
    "what is no compact object is not stored: %j",
    async (data) => {
      const node = await start();
      const results = await Promise.allSettled([
        node.append("r", "one"),
        node.broker.append({ room: "r", data, bound }),
        node.append("r", "two"),
      ]);
      expect(results).toMatchObject([
        { value: { position: { offset: 1 } } },
        { reason: { code: "INVALID" } },
        { value: { position: { offset: 2 } } },
      ]);
    },
  );

  describe("damage", () => {
    test.each([
      "",
      "x",
      "eabc 1 3;abc",
      "eabc 1\n{}\n{",
      "eabc 1\n",
      "s3 key{}",
      's"k"\nx',
      "+1 {",
      "+1 []",
      "-x",
      "-1 ",
    ])("published in a room is passed over, named once, and read around: %j", async (message) => {
      const node = await start();
      await node.broker.subscribe("r", bound);
      for (let times = 0; times < 2; times += 1) await server.command("PUBLISH", "bowline:{r}", message);
      await node.append("r", "one");
      await until(() => node.texts("r").includes("one"));
      expect(node.heard.faults).toEqual([expect.stringContaining('"bowline:{r}": what was published there')]);
      expect(node.holes).toEqual(["r", "r"]);
    });

    test("published on a control channel is passed over, and named", async () => {
      const node = await start();
      await server.command("PUBLISH", "bowline:{all}:control", "x");
      node.broker.tell(null, "after");
      await until(() => node.heard.told.includes("after"));
      expect(node.heard.faults).toEqual([expect.stringContaining("bowline:{all}:control")]);
    });

    test("in a log is named, and all up to there counts as trimmed", async () => {
      const node = await start();
      for (const text of ["one", "two", "three", "four"]) await node.append("r", text);
      await server.command("LSET", "bowline:{r}:log", "1", "mine");
      expect(await node.broker.read("r", 0, 10)).toMatchObject({ base: 2, head: 4, entries: [] });
      const rest = [3, 4].map((offset) => ({ offset, data: entry(offset === 3 ? "three" : "four") }));
      expect((await node.broker.read("r", 2, 10)).entries).toEqual(rest);
      expect((await node.broker.subscribe("r", bound)).base).toBe(2);
      expect(node.heard.faults).toEqual([expect.stringMatching(/"bowline:\{r\}:log".*offset 2/)]);
      expect(await node.append("r", "five")).toMatchObject({ position: { offset: 5 } });
    });

    test("in a log is a gap for a client, who gets all that comes after it", async () => {
      const faults: string[] = [];
      const chat = contract({ rooms: { lobby: room({ events: { message: event(z.number()) } }) } });
      const app = createServer(chat, {
        broker: redis({ url: server.url }),
        authenticate: () => ({ id: "ada" }),
        onError: (error) => faults.push((error as Error).message),
      });
      const running = await serve(app, { port: 0, host: "127.0.0.1", signals: false });
      undo.push(() => app.close());
      for (const n of [1, 2, 3, 4, 5]) await app.publish("lobby", "message", n);
      await server.command("LSET", "bowline:{lobby}:log", "2", "mine");
      const client = createClient(chat, {
        url: `ws://127.0.0.1:${running.port}/bowline`,
        token: "t",
        WebSocket,
      });
      undo.push(() => client.close());
      const seen: unknown[] = [];
      const lobby = client.join("lobby", { history: 10 });
      lobby.onGap(({ reason }) => seen.push(reason));
      lobby.on("message", ({ payload }) => seen.push(payload));
      await until(() => seen.includes(5));
      expect(seen).toEqual(["trimmed", 4, 5]);
      expect(faults).toEqual([
        expect.stringContaining('"bowline:{lobby}:log": the entry with offset 3 is none'),
      ]);
    });

    test("in what is known of a log begins it anew", async () => {
      const node = await start();
      await node.append("r", "one");
      const { epoch } = await node.broker.read("r", 0, 10);
      await server.command("HSET", "bowline:{r}:meta", "head", "mine");
      expect(await node.append("r", "two")).toMatchObject({ outcome: "stored", position: { offset: 1 } });
      expect((await node.broker.read("r", 0, 10)).epoch).not.toBe(epoch);
    });

    test("among members is passed over, and named", async () => {
      const node = await start();
      const member = { session: "ada", user: "ada", state: null };
      await node.broker.enter("r", member, 1);
      await server.command("HSET", "bowline:{r}:members", "eve", "mine", "bob", '1 n/1 {"session":1}');
      expect(await node.broker.members("r", 10)).toEqual({ count: 3, list: [member] });
      expect(node.heard.faults).toEqual([expect.stringContaining("bowline:{r}:members")]);
    });
  });

  test.each(["all", "n:node", "leases", "data", "s:ada"])(
    "a room called %s is a room like any other",
    async (room) => {
      const node = await startWithSession();
      await node.broker.subscribe(room, bound);
      await node.append(room, "one", 1);
      node.broker.signal(room, "key", '{"a":1}');
      await until(() => node.texts(room).includes("one") && node.heard.signals(room).length > 0);
      expect(node.heard.faults).toEqual([]);
      expect([...node.heard.opened.keys()]).toEqual(["ada"]);
    },
  );

  test("what is bounded in bytes is counted in UTF-8", async () => {
    const node = await startWithSession();
    for (const ref of [1, 2]) {
      await node.broker.claimRequest(origin(ref));
      await node.broker.answerRequest(origin(ref), JSON.stringify({ payload: "ü".repeat(300_000) }));
    }
    expect(await node.broker.claimRequest(origin(1))).toEqual({ outcome: "unanswered" });
    expect(await node.broker.claimRequest(origin(2))).toMatchObject({ outcome: "answered" });
  });

  test("nodes find one another's settings as long as they live", async () => {
    const a = await startNode(
      { url: server.url, sessionTtlMs: 5000 },
      { settings: { "history r": "1 2 3" } },
    );
    const b = await start({ sessionTtlMs: 6000 });
    expect(a.heard.settings).toEqual([
      { own: { "history r": "1 2 3", sessionTtlMs: "5000" }, others: new Map() },
    ]);
    const [{ own, others } = { own: {}, others: new Map() }] = b.heard.settings;
    expect([own, [...others.values()]]).toEqual([
      { sessionTtlMs: "6000" },
      [{ "history r": "1 2 3", sessionTtlMs: "5000" }],
    ]);
    await a.broker.stop();
    const c = await start({ sessionTtlMs: 6000 });
    expect([...(c.heard.settings[0]?.others.values() ?? [])]).toEqual([{ sessionTtlMs: "6000" }]);
  });
});
