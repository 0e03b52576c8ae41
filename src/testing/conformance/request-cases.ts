import { deepEqual, equal } from "node:assert/strict";
import { answerLengthMax, ledgerLength } from "../../server/broker.ts";
import type { CaseDefinition } from "./case.ts";
import { upTo, type CaseNode } from "./scene.ts";

/** Claims a request and answers it. */
async function run({ broker }: CaseNode, session: string, ref: number, answer: string): Promise<void> {
  deepEqual(await broker.claimRequest({ session, ref }), { outcome: "claimed" });
  await broker.answerRequest({ session, ref }, answer);
}

/** What makes a request run once. */
export const requestCases: readonly CaseDefinition[] = [
  {
    name: "request: of ten claims at once, over two nodes, one gets it to run",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      const claims = await Promise.all(
        upTo(10).map(async (number) => (number % 2 ? a : b).broker.claimRequest({ session, ref: 1 })),
      );
      deepEqual(claims.map(({ outcome }) => outcome).sort(), ["claimed", ...Array(9).fill("unanswered")]);
    },
  },
  {
    name: "request: its answer is given to whoever claims it again, on any node",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      const answer = `{"text":"äöü 🚢\\n"}`;
      await run(a, session, 1, answer);
      for (const { broker } of [a, b])
        deepEqual(await broker.claimRequest({ session, ref: 1 }), { outcome: "answered", answer });
    },
  },
  {
    name: "request: the first answer stays; none is taken for what was not claimed",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      await run(a, session, 1, "first");
      await b.broker.answerRequest({ session, ref: 1 }, "second");
      deepEqual(await b.broker.claimRequest({ session, ref: 1 }), { outcome: "answered", answer: "first" });
      await b.broker.answerRequest({ session, ref: 2 }, "early");
      deepEqual(await a.broker.claimRequest({ session, ref: 2 }), { outcome: "claimed" });
    },
  },
  {
    name: "request: one may be claimed after a later one, and another node may answer",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      await run(a, session, 9, "nine");
      deepEqual(await a.broker.claimRequest({ session, ref: 8 }), { outcome: "claimed" });
      await b.broker.answerRequest({ session, ref: 8 }, "eight");
      deepEqual(await a.broker.claimRequest({ session, ref: 8 }), { outcome: "answered", answer: "eight" });
    },
  },
  {
    name: `request: the newest ${ledgerLength} answers are kept, and no older request runs again`,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      const last = ledgerLength + 10;
      for (const ref of upTo(last)) await run(a, session, ref, `answer ${ref}`);
      const claims = await Promise.all(
        upTo(last).map(async (ref) => b.broker.claimRequest({ session, ref })),
      );
      deepEqual(
        claims.slice(-ledgerLength),
        upTo(last)
          .slice(-ledgerLength)
          .map((ref) => ({ outcome: "answered", answer: `answer ${ref}` })),
      );
      for (const { outcome } of claims.slice(0, -ledgerLength))
        equal(outcome, "unanswered", "a request older than the answers kept");
    },
  },
  {
    name: `request: answers of more than ${answerLengthMax} characters are given up, the oldest first`,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      const answer = "x".repeat(answerLengthMax * 0.6);
      await run(a, session, 1, "old");
      await run(a, session, 2, answer);
      deepEqual(await b.broker.claimRequest({ session, ref: 1 }), { outcome: "answered", answer: "old" });
      await run(a, session, 3, answer);
      deepEqual(await b.broker.claimRequest({ session, ref: 1 }), { outcome: "unanswered" });
      deepEqual(await b.broker.claimRequest({ session, ref: 2 }), { outcome: "unanswered" });
      equal((await b.broker.claimRequest({ session, ref: 3 })).outcome, "answered");
    },
  },
  {
    name: "request: none runs for a session nobody has opened",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const origin = { session: scene.claim().session, ref: 1 };
      for (const { broker } of [a, b])
        deepEqual(await broker.claimRequest(origin), { outcome: "unknown-session" });
      await a.broker.answerRequest(origin, "answer");
      a.broker.renewSessions([origin.session]);
      deepEqual(await b.broker.claimRequest(origin), { outcome: "unknown-session" });
    },
  },
  {
    name: "request: requests and publishes of one session have ledgers of their own",
    run: async (scene) => {
      const a = await scene.start();
      const session = await scene.session(a);
      await run(a, session, 1, "answer");
      equal(await a.broker.find(scene.room(), { session, ref: 1 }), null);
    },
  },
];
