import { deepEqual, equal, fail, notEqual } from "node:assert/strict";
import type { SessionClaim } from "../../server/broker.ts";
import type { CaseDefinition } from "./case.ts";
import { ampleBound, patienceMs, store, type CaseNode } from "./scene.ts";

/** Opens a session; gives the name of its ledgers, and its highest ref. */
async function open({ broker }: CaseNode, claim: SessionClaim): Promise<{ ledger: string; ref: number }> {
  const opening = await broker.openSession(claim);
  if (opening.outcome !== "opened") return fail(`generation ${claim.generation} is ${opening.outcome}`);
  return { ledger: opening.ledger, ref: opening.ref };
}

/** Who a session belongs to, and what is kept for it. */
export const sessionCases: readonly CaseDefinition[] = [
  {
    name: "session: one that is new gets a ledger of its own, and no ref",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const [first, second] = [await open(a, scene.claim()), await open(b, scene.claim())];
      deepEqual([first.ref, second.ref], [0, 0]);
      notEqual(first.ledger, second.ledger);
    },
  },
  {
    name: "session: a higher generation resumes it on any node, with its ledgers and the highest ref carried out",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = scene.claim();
      const { session } = claim;
      const { ledger } = await open(a, claim);
      const room = scene.room();
      await store(a, room, "x", { origin: { session, ref: 3 } });
      deepEqual(await open(b, { ...claim, generation: 2 }), { ledger, ref: 3 });
      await b.broker.claimRequest({ session, ref: 5 });
      await a.broker.claimRequest({ session, ref: 2 });
      await store(b, scene.room(), "x", { origin: { session, ref: 4 } });
      deepEqual(await open(a, { ...claim, generation: 9 }), { ledger, ref: 5 });
    },
  },
  {
    name: "session: what was not carried out does not count for its highest ref",
    run: async (scene) => {
      const a = await scene.start();
      const claim = scene.claim();
      const { session } = claim;
      const { ledger } = await open(a, claim);
      const room = scene.room();
      const end = await store(a, room, "x", { origin: { session, ref: 1 } });
      const conflicting = { origin: { session, ref: 7 }, ifAt: { ...end, offset: 9 } };
      await a.broker.append({ room, data: "x", bound: ampleBound, ...conflicting });
      deepEqual(await open(a, { ...claim, generation: 2 }), { ledger, ref: 1 });
    },
  },
  {
    name: "session: a generation that is not higher than every one before is stale, on any node",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = { ...scene.claim(), generation: 4 };
      await open(a, claim);
      for (const { broker } of [a, b])
        for (const generation of [4, 3, 0])
          deepEqual(await broker.openSession({ ...claim, generation }), { outcome: "stale" });
      await open(b, { ...claim, generation: 5 });
      deepEqual(await a.broker.openSession({ ...claim, generation: 5 }), { outcome: "stale" });
    },
  },
  {
    name: "session: another user is a mismatch, and changes nothing",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = scene.claim("ada");
      const { ledger } = await open(a, claim);
      const theft = { ...claim, generation: 9, user: "eve" };
      for (const { broker } of [a, b]) deepEqual(await broker.openSession(theft), { outcome: "mismatch" });
      deepEqual(await open(b, { ...claim, generation: 2 }), { ledger, ref: 0 });
    },
  },
  {
    name: "session: of ten attempts at once with one generation, over two nodes, one opens it",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = scene.claim();
      const openings = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? a : b).broker.openSession(claim)),
      );
      deepEqual(openings.map(({ outcome }) => outcome).sort(), ["opened", ...Array(9).fill("stale")]);
    },
  },
  {
    name: "session: any user id is taken as it is",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = scene.claim("o'hara:{🚢}\n ");
      const { ledger } = await open(a, claim);
      equal((await open(b, { ...claim, generation: 2 })).ledger, ledger);
    },
  },
  {
    name: "session: the node that had it is told when it is opened elsewhere",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const claim = scene.claim();
      await open(a, claim);
      await open(b, { ...claim, generation: 2 });
      await b.broker.openSession({ ...claim, generation: 2 });
      const generations = (): number[] => a.heard.opened.get(claim.session) ?? [];
      await scene.until("receiveOpened of generation 2", () => generations().includes(2));
    },
  },
  {
    name: "session: one that is renewed is kept whole beyond the bound; one that is not, whole or not at all",
    needs: ({ sessionTtlMs }) => sessionTtlMs !== undefined,
    timeoutMs: ({ sessionTtlMs = 0 }) => 4 * sessionTtlMs + 2 * patienceMs,
    run: async (scene) => {
      const { sessionTtlMs = 0 } = scene.bench;
      const [a, b] = await scene.pair();
      const [kept, idle] = [scene.claim(), scene.claim()];
      const room = scene.room();
      const ledgers = [await open(a, kept), await open(a, idle)].map(({ ledger }) => ledger);
      const position = await store(a, room, "x", { origin: { session: kept.session, ref: 1 } });
      await a.broker.claimRequest({ session: kept.session, ref: 2 });
      await a.broker.answerRequest({ session: kept.session, ref: 2 }, "answer");
      await store(a, room, "y", { origin: { session: idle.session, ref: 1 } });
      for (let passedMs = 0; passedMs < 3 * sessionTtlMs; passedMs += sessionTtlMs / 4) {
        await scene.sleep(sessionTtlMs / 4);
        a.broker.renewSessions([kept.session, scene.claim().session]);
      }
      deepEqual(await b.broker.find(room, { session: kept.session, ref: 1 }), position);
      deepEqual(await b.broker.claimRequest({ session: kept.session, ref: 2 }), {
        outcome: "answered",
        answer: "answer",
      });
      deepEqual(await open(b, { ...kept, generation: 2 }), { ledger: ledgers[0], ref: 2 });
      const again = await open(b, { ...idle, generation: 2 });
      const found = await b.broker.find(room, { session: idle.session, ref: 1 });
      equal(
        found !== null,
        again.ledger === ledgers[1],
        "the positions that a ledger keeps go with its name",
      );
    },
  },
  {
    name: "session: a node that comes later resumes it, with its ledgers",
    needs: ({ forgets }) => !forgets,
    run: async (scene) => {
      const claim = scene.claim();
      const { session } = claim;
      const room = scene.room();
      const a = await scene.start();
      const { ledger } = await open(a, claim);
      const position = await store(a, room, "x", { origin: { session, ref: 1 } });
      await a.broker.claimRequest({ session, ref: 2 });
      await a.broker.answerRequest({ session, ref: 2 }, "answer");
      await a.broker.claimRequest({ session, ref: 3 });
      await scene.stop(a);
      const b = await scene.start();
      deepEqual(await b.broker.openSession(claim), { outcome: "stale" });
      deepEqual(await open(b, { ...claim, generation: 2 }), { ledger, ref: 3 });
      deepEqual(await b.broker.find(room, { session, ref: 1 }), position);
      deepEqual(await b.broker.claimRequest({ session, ref: 2 }), { outcome: "answered", answer: "answer" });
      deepEqual(await b.broker.claimRequest({ session, ref: 3 }), { outcome: "unanswered" });
    },
  },
];
