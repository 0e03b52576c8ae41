import { describe, expect, test } from "vitest";
import type { AppendResult, Broker, BrokerSink } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { altered } from "../support/log-broker.ts";

type Sabotage = (inner: Broker) => { readonly [Name in keyof Broker]?: Broker[Name] };

/** The names of the cases that a broken broker does not pass. */
async function failing(sabotage: Sabotage): Promise<string[]> {
  const open = () => {
    const inner = memory({ sessionTtlMs: 300 });
    return altered(inner, sabotage(inner));
  };
  const cases = brokerConformance({ nodes: 1, forgets: true, open }).filter(({ name }) => !slow.test(name));
  const names: string[] = [];
  for (const { name, run } of cases) await run().catch(() => names.push(name));
  return names;
}

/** Waits for what never comes would take all the time of these tests. */
const slow = /^(delivery|presence|cluster|session: the node|data|bound: entries go)/;

function withSink(inner: Broker, change: (sink: BrokerSink) => Partial<BrokerSink>): Partial<Broker> {
  return { start: (sink, node) => inner.start({ ...sink, ...change(sink) }, node) };
}

const sabotages: Record<string, readonly [Sabotage, caught: RegExp]> = {
  "takes a repeat for a conflict where there is ifAt": [
    (inner) => ({
      append: async (request): Promise<AppendResult> => {
        const it = await inner.append(request);
        return request.ifAt && it.outcome === "repeated" ? { ...it, outcome: "conflict" } : it;
      },
    }),
    /whatever ifAt says/,
  ],
  "does not look at ifAt": [
    (inner) => ({
      append: ({ room, data, bound, origin }) =>
        inner.append({ room, data, bound, ...(origin && { origin }) }),
    }),
    /with ifAt stores at that very end only/,
  ],
  "stores without looking at the ledger": [
    (inner) => ({ append: ({ room, data, bound }) => inner.append({ room, data, bound }) }),
    /the same origin again gives the first position/,
  ],
  "opens what it does not know": [
    (inner) => ({
      append: async (request) => {
        const { session } = request.origin ?? {};
        if (session) await inner.openSession({ session, user: "", generation: 0 });
        return inner.append(request);
      },
    }),
    /an append for a session nobody has opened is refused/,
  ],
  "finds nothing": [() => ({ find: async () => null }), /find gives where an origin was stored/],
  "reads one entry too many": [
    (inner) => ({ read: (room, after, limit) => inner.read(room, after, limit + 1) }),
    /pages go on where the last one ended/,
  ],
  "reads from its base where it should give nothing": [
    (inner) => ({
      read: async (room, after, limit) => {
        const { base } = await inner.read(room, after, 0);
        return inner.read(room, Math.max(base, after), limit);
      },
    }),
    /a page that would begin below the base is empty/,
  ],
  "keeps more than the bound": [
    (inner) => ({
      append: (request) => inner.append({ ...request, bound: { count: 1e6, ageMs: 1e6, bytes: Infinity } }),
    }),
    /keeps as many entries as its count says/,
  ],
  "opens a session for any user": [
    (inner) => ({ openSession: (claim) => inner.openSession({ ...claim, user: "same" }) }),
    /another user is a mismatch/,
  ],
  "runs every request": [() => ({ claimRequest: () => ({ outcome: "claimed" }) }), /one gets it to run/],
  "keeps no answer": [() => ({ answerRequest: () => undefined }), /its answer is given to whoever claims/],
};

describe("the suite catches a broker that", () => {
  test.each(Object.entries(sabotages))("%s", async (_what, [sabotage, caught]) => {
    expect((await failing(sabotage)).join("\n")).toMatch(caught);
  });

  test("gives entries out of order", async () => {
    const open = () => {
      const inner = memory();
      const held: (() => void)[] = [];
      const swapped = withSink(inner, (sink) => ({
        receiveEntry: (...entry) => {
          held.push(() => sink.receiveEntry(...entry));
          if (held.length === 2) for (const give of held.splice(0).reverse()) give();
        },
      }));
      return altered(inner, swapped);
    };
    const [first] = brokerConformance({ nodes: 1, forgets: true, open }).filter(({ name }) =>
      name.startsWith("delivery: every node"),
    );
    await expect(first?.run()).rejects.toThrow(/receiveEntry was called for 1 after 2/);
  });
});

test("cases that need what a bench does not offer are left out", () => {
  const names = (bench: object) => brokerConformance({ open: memory, ...bench }).map(({ name }) => name);
  expect(
    names({ nodes: 1, forgets: true }).filter((name) => /outage|crash|died|two nodes at once/.test(name)),
  ).toEqual([]);
  expect(names({ crash: () => {} }).some((name) => /a node that died/.test(name))).toBe(true);
  expect(new Set(names({})).size).toBe(names({}).length);
});
