import { deepEqual, equal, ok } from "node:assert/strict";
import type { BrokerBench } from "./bench.ts";
import { hasManyNodes, leaseMsOf, type CaseDefinition } from "./case.ts";
import { ampleBound, patienceMs, store, type CaseNode, type Scene, read } from "./scene.ts";

/** Says something until it is heard: what is told may be lost. */
async function tellUntilHeard(
  scene: Scene,
  from: CaseNode,
  node: string | null,
  to: CaseNode,
): Promise<string> {
  const message = `{"to":"${scene.room()} 🚢"}`;
  await scene.until(`a message at node ${to.id}`, async () => {
    from.broker.tell(node, message);
    await scene.sleep(20);
    return to.heard.told.includes(message);
  });
  return message;
}

function canCrash(bench: BrokerBench): boolean {
  return hasManyNodes(bench) && bench.crash !== undefined;
}

function afterLeases(bench: BrokerBench): number {
  return 3 * leaseMsOf(bench) + 2 * patienceMs;
}

/** The nodes themselves. */
export const clusterCases: readonly CaseDefinition[] = [
  {
    name: "cluster: a node can tell one node something, itself included, and no other hears it",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const message = await tellUntilHeard(scene, a, b.id, b);
      ok(a === b || !a.heard.told.includes(message), "a message for another node came to this one");
      await tellUntilHeard(scene, b, b.id, b);
      a.broker.tell("nobody", "lost");
    },
  },
  {
    name: "cluster: a node can tell every node something, itself included",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const message = await tellUntilHeard(scene, a, null, b);
      await scene.until("the message at its own node", () => a.heard.told.includes(message));
    },
  },
  {
    name: "cluster: every node knows the nodes there are, itself included",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      for (const { broker } of [a, b])
        await scene.until("both nodes on the list", async () => {
          const nodes = await broker.nodes();
          return nodes.includes(a.id) && nodes.includes(b.id);
        });
      const nodes = await a.broker.nodes();
      equal(new Set(nodes).size, nodes.length, "no node is listed twice");
    },
  },
  {
    name: "cluster: a node that stops is off the list, and the log goes on without it",
    needs: hasManyNodes,
    timeoutMs: afterLeases,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      for (const { broker } of [a, b]) await broker.subscribe(room, ampleBound);
      await store(a, room, "one");
      await scene.stop(a);
      equal((await store(b, room, "two")).offset, 2);
      const isGone = async (): Promise<boolean> => !(await b.broker.nodes()).includes(a.id);
      await scene.until("the stopped node is off the list", isGone, 2 * scene.leaseMs + 1000);
    },
  },
  {
    name: "cluster: calls after stop, and stop while calls are under way, do not hang",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const early = Array.from({ length: 20 }, () => store(a, room, "x"));
      const stopping = scene.stop(a);
      const calls = [...early, stopping, read(a, room, 0, 1), a.broker.members(room, 1)];
      const settled = Promise.allSettled(calls);
      await stopping;
      a.broker.signal(room, "k", "x");
      a.broker.tell(null, "x");
      a.broker.renewSessions(["unknown-session"]);
      const late = { room, data: "x", bound: ampleBound };
      const both = Promise.allSettled([settled, a.broker.append(late), a.broker.nodes()]);
      await scene.within(patienceMs, both, "a call around stop()");
    },
  },
  {
    name: "cluster: members of a node that died leave; those who have entered elsewhere stay",
    needs: canCrash,
    timeoutMs: afterLeases,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      await b.broker.subscribe(room, ampleBound);
      const [moved, lost, own] = [scene.claim(), scene.claim(), scene.claim()].map(({ session, user }) => ({
        session,
        user,
        state: null,
      }));
      if (!moved || !lost || !own) return;
      for (const it of [moved, lost]) await a.broker.enter(room, it, 1);
      for (const it of [moved, own]) await b.broker.enter(room, it, 2);
      await scene.crash(a);
      const count = async (): Promise<number> => (await b.broker.members(room, 10)).count;
      await scene.until(
        "the dead node's member leaves",
        async () => (await count()) === 2,
        2 * scene.leaseMs + 1000,
      );
      const sessions = (await b.broker.members(room, 10)).list.map(({ session }) => session);
      deepEqual(sessions.sort(), [moved.session, own.session].sort());
      const isTold = (): boolean => b.heard.presence(room).some(({ gone }) => gone === lost.session);
      await scene.until("the node that lives is told who has gone", isTold);
      deepEqual(b.heard.presence(room).at(-1), { gone: lost.session, count: 2 });
      await scene.sleep(2 * scene.leaseMs);
      equal(await count(), 2);
    },
  },
  {
    name: "cluster: members of a node that died leave rooms nobody else was subscribed to",
    needs: canCrash,
    timeoutMs: afterLeases,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const { session, user } = scene.claim();
      await a.broker.enter(room, { session, user, state: null }, 1);
      await scene.crash(a);
      const isEmpty = async (): Promise<boolean> => (await b.broker.members(room, 10)).count === 0;
      await scene.until("the room is empty", isEmpty, 2 * scene.leaseMs + 1000);
    },
  },
  {
    name: "cluster: a node that died is off the list; what it had stored and claimed stays",
    needs: canCrash,
    timeoutMs: afterLeases,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const origin = { session, ref: 1 };
      const position = await store(a, room, "x", { origin });
      await a.broker.claimRequest({ session, ref: 2 });
      await scene.crash(a);
      deepEqual(await b.broker.find(room, origin), position);
      deepEqual(await b.broker.claimRequest({ session, ref: 2 }), { outcome: "unanswered" });
      const isGone = async (): Promise<boolean> => !(await b.broker.nodes()).includes(a.id);
      await scene.until("the dead node is off the list", isGone, 2 * scene.leaseMs + 1000);
    },
  },
];
