import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { nats, type NatsOptions } from "bowline/nats";
import type { Broker, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

const ample: LogBound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
const claim = { session: "session-1", user: "ada", generation: 1 };

interface Node {
  readonly broker: Broker;
  readonly heard: Heard;
}

describe.skipIf(!natsPath)("nats, when things go wrong", () => {
  let server: NatsServer;
  let brokers: Broker[] = [];

  beforeEach(async () => {
    server = await NatsServer.start();
  });

  afterEach(async () => {
    server.thaw();
    for (const broker of brokers) await broker.stop();
    brokers = [];
    await server.stop();
  });

  async function start(options: Partial<NatsOptions> = {}): Promise<Node> {
    const broker = nats({ servers: server.url, ...options });
    const heard = new Heard();
    await broker.start(heard.sink, `node-${brokers.length}`);
    brokers.push(broker);
    return { broker, heard };
  }

  async function append({ broker }: Node, room: string, data: string, bound = ample): Promise<string> {
    const result = await broker.append({ room, data, bound });
    if (result.outcome !== "stored") throw new Error(result.outcome);
    return `${result.position.epoch} ${result.position.offset}`;
  }

  /** Waits until the node was told of an outage and of its end. */
  async function recovery({ heard }: Node): Promise<void> {
    await vi.waitFor(() => expect(heard.outages.length).toBeGreaterThan(1), { timeout: 8000 });
    await vi.waitFor(() => expect(heard.outages.at(-1)).toBeNull(), { timeout: 8000 });
  }

  /** Does again what fails, as a node does. */
  function insist<T>(task: () => Promise<T>): Promise<T> {
    return vi.waitFor(task, { timeout: 8000 });
  }

  test("a server that freezes: calls reject, and what was subscribed to lives again", async () => {
    const node = await start();
    await node.broker.subscribe("room", ample);
    await append(node, "room", "before");
    server.freeze();
    // It stops a moment after the signal.
    while (await append(node, "room", "during").catch(() => null));
    const startedMs = performance.now();
    await expect(node.broker.read("room", 0, 10)).rejects.toThrow(/nats: servers "nats:\/\/127/);
    expect(performance.now() - startedMs, "known by now").toBeLessThan(500);
    expect(node.heard.outages).toHaveLength(1);
    server.thaw();
    await recovery(node);
    expect(node.heard.holes("room")).toBe(1);
    await append(node, "room", "after");
    await vi.waitFor(() => expect(node.heard.data("room").at(-1)).toBe("after"));
  });

  test("a stream that somebody deletes is made anew, and no position of the old one comes again", async () => {
    const node = await start();
    const other = await start();
    await node.broker.openSession(claim);
    await node.broker.subscribe("room", ample);
    const former = await append(node, "room", "lost");
    await server.deleteStream("bowline_log");
    const origin = { session: claim.session, ref: 1 };
    const again = await insist(async () =>
      node.broker.append({ room: "room", data: "x", bound: ample, origin }),
    );
    expect(again, "its ledgers were in there").toEqual({ outcome: "unknown-session" });
    await recovery(node);
    expect(node.heard.holes("room")).toBeGreaterThan(0);
    const fresh = await insist(() => append(other, "room", "new"));
    expect(fresh).toMatch(/ 1$/);
    expect(fresh).not.toBe(former);
    const page = await insist(() => node.broker.read("room", 0, 10));
    expect(`${page.epoch} ${page.head}`).toBe(fresh);
  });

  test("a server that comes back with older data than it had begins new epochs", async () => {
    const node = await start();
    await node.broker.openSession(claim);
    await append(node, "room", "one");
    await server.kill();
    const putBack = await server.copyData();
    await server.restart();
    await recovery(node);
    const lost = await insist(() => append(node, "room", "two"));
    await server.kill();
    await putBack();
    await server.restart();
    await vi.waitFor(() => expect(node.heard.outages.filter((it) => it === null)).toHaveLength(2), 8000);
    const now = await insist(() => append(node, "room", "another two"));
    expect(now).not.toBe(lost);
    expect(now).toMatch(/ 1$/);
  });

  test("a log that is cut keeps its ledger, for nodes too that never saw what was cut", async () => {
    const node = await start();
    await node.broker.openSession(claim);
    const bound: LogBound = { count: 4, ageMs: 3_600_000, bytes: Infinity };
    const origin = { session: claim.session, ref: 1 };
    const first = await node.broker.append({ room: "room", data: "first", bound, origin });
    if (first.outcome !== "stored") throw new Error(first.outcome);
    for (let number = 0; number < 300; number += 1) await append(node, "room", `${number}`, bound);
    await vi.waitFor(async () => expect(await server.messages("bowline_log")).toBeLessThan(100));
    const late = await start();
    expect(await late.broker.find("room", origin)).toEqual(first.position);
    const again = await late.broker.append({ room: "room", data: "first", bound, origin });
    expect(again).toEqual({ ...first, outcome: "repeated" });
    const page = await late.broker.read("room", 297, 10);
    expect(page).toMatchObject({ base: 297, head: 301 });
    expect(page.entries.map(({ data }) => data)).toEqual(["296", "297", "298", "299"]);
  });

  test("a room nobody publishes in for longer than logs are kept begins anew", async () => {
    const node = await start({ logTtlMs: 1000, sessionTtlMs: 500 });
    const former = await append(node, "room", "old");
    await vi.waitFor(async () => expect(await server.messages("bowline_log")).toBe(0), 8000);
    const fresh = await append(node, "room", "new");
    expect(fresh).toMatch(/ 1$/);
    expect(fresh).not.toBe(former);
  });

  test("members are put back by their nodes when the stream they were in is lost", async () => {
    const [node, other] = [await start({ leaseMs: 600 }), await start({ leaseMs: 600 })];
    const member = { session: claim.session, user: "ada", state: 1 };
    await node.broker.enter("room", member, 1);
    await server.deleteStream("bowline_presence");
    const members = (): Promise<unknown> => other.broker.members("room", 10);
    await insist(async () => expect(await members()).toEqual({ count: 1, list: [member] }));
  });

  test("after an outage longer than the lease, members of a node that comes back later are not taken away", async () => {
    const leaseMs = 3000;
    const line = new FaultProxy(server.port);
    await line.listen();
    const first = await start({ leaseMs });
    const later = await start({ leaseMs, servers: `127.0.0.1:${line.port}` });
    const member = { session: claim.session, user: "ada", state: 1 };
    await first.broker.subscribe("room", ample);
    await later.broker.enter("room", member, 1);
    await server.kill();
    line.freeze("toServer", "toClient");
    // As long as the outage has to be.
    await new Promise((resolve) => setTimeout(resolve, leaseMs));
    await server.restart();
    await vi.waitFor(() => expect(first.heard.outages.at(-1)).toBeNull(), { timeout: 8000 });
    // It has its lease again, and would have taken away by now who has none.
    await vi.waitFor(async () => expect(await server.messages("bowline_lease")).toBe(1), { timeout: 8000 });
    await vi.waitFor(async () => expect(await server.lastSeq("bowline_lease")).toBeGreaterThan(2), {
      timeout: 8000,
    });
    line.thawNew();
    line.cut();
    await vi.waitFor(() => expect(later.heard.outages.at(-1)).toBeNull(), { timeout: 8000 });
    await vi.waitFor(async () => expect(await server.messages("bowline_lease")).toBe(2), { timeout: 8000 });
    expect(first.heard.presence("room").filter(({ gone }) => gone)).toEqual([]);
    await line.close();
  }, 30_000);

  test("a second prefix is another world", async () => {
    const [node, other] = [await start(), await start({ prefix: "other" })];
    await append(node, "room", "x");
    expect((await other.broker.read("room", 0, 10)).head).toBe(0);
    expect(await other.broker.nodes()).toEqual(["node-1"]);
  });

  test("an entry larger than NATS takes is refused, and nothing else is harmed", async () => {
    const node = await start();
    await expect(append(node, "room", "x".repeat(1_048_576))).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await append(node, "room", "x")).toMatch(/ 1$/);
    expect(node.heard.outages).toEqual([]);
  });
});
