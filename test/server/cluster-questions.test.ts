import { contract, event, room, type Contract } from "bowline";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Broker } from "../../src/server/broker.ts";
import { Cluster } from "../../src/server/cluster.ts";
import { Logging } from "../../src/server/logging/logging.ts";
import { NodeContracts } from "../../src/server/node-contracts.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";
import { RecordedLog } from "../support/recorded-log.ts";

const plain = contract({});

/** What each node's logger is told. */
class Logs {
  readonly #logs = new Map<string, RecordedLog>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  of(node: string): Logging {
    const logger = new RecordedLog();
    this.#logs.set(node, logger);
    return new Logging({ logger, debug: false, clock: this.#clock, contract: plain, node });
  }

  get lines(): Record<string, string[]> {
    return Object.fromEntries(
      Array.from(this.#logs, ([node, { lines }]) => [node, lines.map(({ message }) => message)]),
    );
  }
}

/** Nodes that hear each other at once; those named in `deaf` are known, and do not. */
function bench(
  names: readonly string[],
  deaf: readonly string[] = [],
  contracts: Readonly<Record<string, Contract>> = {},
) {
  const clock = new FakeClock();
  const logs = new Logs(clock);
  const random = new FakeRandom();
  const nodes = new Map<string, Cluster>();
  const told: string[] = [];
  const tell = (node: string | null, message: string): void => {
    told.push(message);
    for (const [name, cluster] of nodes)
      if (node === null || node === name) clock.defer(() => cluster.receive(message));
  };
  const broker = { nodes: async () => [...names, ...deaf], tell } as unknown as Broker;
  const disconnected: string[] = [];
  for (const node of names) {
    const cluster = new Cluster({
      node,
      broker,
      insist: (task) => task(),
      clock,
      random,
      stats: () => ({ connections: 1, rooms: 0, degraded: false }),
      disconnect: (user, reason) => disconnected.push(`${user} at ${node}: ${reason}`),
      contracts: new NodeContracts({ contract: contracts[node] ?? plain, logging: logs.of(node) }),
      report: () => {},
    });
    nodes.set(node, cluster);
  }
  return { clock, one: nodes.get(names[0] as string) as Cluster, nodes, disconnected, logs, told };
}

describe("a question asked of the cluster", () => {
  test("is answered as soon as every node has, and leaves no timer", async () => {
    const { clock, one } = bench(["a", "b"]);
    const asked = one.stats();
    await clock.settle();
    expect(clock.timerCount).toBe(0);
    const { answers, missing } = await asked;
    expect([[...answers.keys()], missing]).toEqual([["a", "b"], []]);
  });

  test("waits two seconds for those who say nothing, and names them", async () => {
    const { clock, one } = bench(["a", "b"], ["c"]);
    let missing: readonly string[] | null = null;
    void one.stats().then((answered) => (missing = answered.missing));
    await clock.advance(1999);
    expect(missing).toBeNull();
    await clock.advance(1);
    expect([missing, clock.timerCount]).toEqual([["c"], 0]);
  });

  test("tells every node why", async () => {
    const { clock, one, disconnected } = bench(["a", "b"]);
    const asked = one.disconnect("ada", "banned");
    await clock.settle();
    expect(disconnected).toEqual(["ada at a: banned", "ada at b: banned"]);
    expect([...(await asked).answers.values()]).toEqual([1, 2]);
  });
});

describe("contracts of the nodes are compared when one comes", () => {
  const make = (text: z.ZodType, options: object = {}, name = "message"): Contract =>
    contract({ rooms: { r: room({ events: { [name]: event(text) }, ...options }) } });
  const old = make(z.string());
  const line = (node: string, what: string): string =>
    `node "${node}" has another contract than this one: ${what}. Start all nodes with the same`;

  /** The last of the nodes comes to the others. */
  async function compare(...contracts: Contract[]) {
    const names = contracts.map((_, index) => `n${index}`);
    const made = bench(names, [], Object.fromEntries(names.map((name, index) => [name, contracts[index]!])));
    await made.nodes.get(names.at(-1) as string)?.compareContracts();
    await made.clock.settle();
    return made;
  }

  test("the same ones: nothing is said, and a node alone asks nobody", async () => {
    const { logs, told } = await compare(old, make(z.string()));
    expect(logs.lines).toEqual({ n0: [], n1: [] });
    expect(told.map((it) => JSON.parse(it) as object)).toMatchObject([
      { question: { ask: "contract" } },
      { node: "n0", answer: { hash: expect.any(String) as string } },
      { node: "n1" },
    ]);
    expect(JSON.stringify(told)).not.toContain("outline");
    expect((await compare(old)).told).toEqual([]);
  });

  test.each<[string, Contract, string, string]>([
    [
      "a name",
      make(z.string(), {}, "notice"),
      'only that node has the event "notice" of "r"',
      'that node lacks the event "message" of "r"',
    ],
    ["a schema", make(z.string().max(5)), 'the schemas of "/rooms/r/events/message" differ', ""],
    ["a bound", make(z.string(), { history: { count: 5 } }), '"/rooms/r/history" differ', ""],
  ])("%s: each of both is told once what differs", async (_what, newer, ...texts) => {
    const { logs } = await compare(old, newer);
    expect(logs.lines["n0"]).toHaveLength(1);
    expect(logs.lines["n1"]).toHaveLength(1);
    for (const text of texts) expect(logs.lines["n0"]?.[0]).toContain(text);
    expect(logs.lines["n0"]?.[0]).toContain('node "n1"');
  });

  test("of several nodes with one contract a node tells once, and each of them tells itself", async () => {
    const { logs } = await compare(old, old, make(z.number()));
    const what = 'the schemas of "/rooms/r/events/message" differ';
    expect(logs.lines).toEqual({
      n0: [line("n2", what)],
      n1: [line("n2", what)],
      n2: [line("n0", what)],
    });
  });

  test("a node of an older version, which does not know the question, says nothing", async () => {
    const { one, clock, logs, told } = await compare(old, old);
    one.receive(JSON.stringify({ id: "contract", node: "ancient", answer: null }));
    one.receive(JSON.stringify({ id: "contract", node: "ancient", answer: { hash: "x" } }));
    await clock.settle();
    expect([logs.lines["n0"], told.length]).toEqual([[], 3]);
  });
});
