import { describe, expect, test } from "vitest";
import type { Broker } from "../../src/server/broker.ts";
import { Cluster } from "../../src/server/cluster.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";

/** Nodes that hear each other at once; those named in `deaf` are known, and do not. */
function bench(names: readonly string[], deaf: readonly string[] = []) {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const nodes = new Map<string, Cluster>();
  const tell = (node: string | null, message: string): void => {
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
      report: () => {},
    });
    nodes.set(node, cluster);
  }
  return { clock, one: nodes.get(names[0] as string) as Cluster, disconnected };
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
