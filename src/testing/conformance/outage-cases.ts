import { deepEqual, equal, fail, notEqual, ok, rejects } from "node:assert/strict";
import type { BrokerBench } from "./bench.ts";
import { hasManyNodes, type CaseDefinition } from "./case.ts";
import { Follower } from "./follower.ts";
import { Heard } from "./heard.ts";
import { ampleBound, patienceMs, store, type CaseNode, type Scene } from "./scene.ts";

/** How long a broker may take to see that its service is gone, or back. */
const noticeMs = 20_000;
/** How long one call may take to be rejected. */
const rejectMs = 10_000;
/** Waits of a case add up to this at most. */
const timeoutMs = 90_000;

function hasService({ stopService, startService }: BrokerBench): boolean {
  return stopService !== undefined && startService !== undefined;
}

function hasServiceAndNodes(bench: BrokerBench): boolean {
  return hasService(bench) && hasManyNodes(bench);
}

/** Ends the service and waits until every node says so. */
async function breakService(scene: Scene, nodes: readonly CaseNode[]): Promise<void> {
  await scene.bench.stopService?.();
  for (const { id, heard } of nodes)
    await scene.until(
      `receiveOutage(error) at node ${id}`,
      () => typeof heard.outages.at(-1) === "string",
      noticeMs,
    );
}

async function restoreService(scene: Scene, nodes: readonly CaseNode[], keepData: boolean): Promise<void> {
  await scene.bench.startService?.({ keepData });
  for (const { id, heard } of nodes)
    await scene.until(`receiveOutage(null) at node ${id}`, () => heard.outages.at(-1) === null, noticeMs);
}

/** Does again what fails, as a node does: a service that is just back may still refuse. */
async function insist<T>(scene: Scene, task: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      if (attempt === 40) throw error;
      await scene.sleep(250);
    }
  }
}

/** Brings the service back after a case, whatever came of it: others share it. */
function withService(run: CaseDefinition["run"]): CaseDefinition["run"] {
  return async (scene) => {
    try {
      await run(scene);
    } finally {
      await scene.bench.startService?.({ keepData: true });
    }
  };
}

/** A service that can't be reached, and what it has to be like when it can again. */
export const outageCases: readonly CaseDefinition[] = [
  {
    name: "outage: is told to the node, and every call rejects instead of hanging",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const claim = scene.claim();
      await a.broker.openSession(claim);
      await breakService(scene, [a]);
      const { broker } = a;
      const origin = { session: claim.session, ref: 1 };
      const calls = {
        append: Promise.resolve(broker.append({ room, data: "x", bound: ampleBound })),
        find: broker.find(room, origin),
        read: broker.read(room, 0, 1),
        subscribe: broker.subscribe(room, ampleBound),
        openSession: broker.openSession({ ...claim, generation: 2 }),
        claimRequest: Promise.resolve(broker.claimRequest(origin)),
        answerRequest: Promise.resolve(broker.answerRequest(origin, "x")),
        members: broker.members(room, 1),
        nodes: broker.nodes(),
      };
      broker.signal(room, "k", "x");
      broker.tell(null, "x");
      broker.renewSessions([claim.session]);
      const all = Promise.allSettled(Object.values(calls));
      await scene.within(rejectMs, all, "a call in an outage");
      for (const [name, call] of Object.entries(calls)) await rejects(call, Error, `${name} in an outage`);
    }),
  },
  {
    name: "outage: a node that starts in one is refused, with an error that says so",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      await scene.bench.stopService?.();
      const broker = await scene.bench.open();
      const start = broker.start(new Heard().sink, "node");
      await scene.within(noticeMs, Promise.allSettled([start]), "start()");
      await rejects(start, Error, "start() in an outage");
      await scene.within(noticeMs, Promise.allSettled([broker.stop()]), "stop() after a failed start()");
    }),
  },
  {
    name: "outage: a node can stop in one",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      const a = await scene.start();
      await breakService(scene, [a]);
      await scene.stop(a);
    }),
  },
  {
    name: "outage: a service that comes back with its data goes on where it was",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const claim = scene.claim();
      const { session } = claim;
      const opening = await a.broker.openSession(claim);
      if (opening.outcome !== "opened") return fail(`a new session is ${opening.outcome}`);
      const position = await store(a, room, "one", { origin: { session, ref: 1 } });
      await a.broker.claimRequest({ session, ref: 2 });
      await a.broker.answerRequest({ session, ref: 2 }, "answer");
      await breakService(scene, [a, b]);
      await restoreService(scene, [a, b], true);
      const repeat = { room, data: "one", bound: ampleBound, origin: { session, ref: 1 } };
      deepEqual(await insist(scene, async () => b.broker.append(repeat)), { outcome: "repeated", position });
      deepEqual(await insist(scene, async () => b.broker.claimRequest({ session, ref: 2 })), {
        outcome: "answered",
        answer: "answer",
      });
      deepEqual(await insist(scene, () => b.broker.openSession({ ...claim, generation: 2 })), {
        outcome: "opened",
        ledger: opening.ledger,
        ref: 2,
      });
      deepEqual(await insist(scene, () => store(a, room, "two")), { offset: 2, epoch: position.epoch });
    }),
  },
  {
    name: "outage: a subscription lives again, and what it missed can be known of",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const follower = new Follower(b.broker, b.heard, room);
      await follower.start(ampleBound);
      await store(a, room, "before");
      await scene.until("the entry before the outage", () => follower.data.length === 1);
      await breakService(scene, [a, b]);
      await restoreService(scene, [a, b], true);
      await insist(scene, () => store(a, room, "after"));
      await insist(scene, () => store(b, room, "later"));
      await scene.until("both entries after the outage", () => {
        follower.retry();
        return follower.data.includes("later");
      });
      deepEqual(follower.data, ["before", "after", "later"]);
      equal(follower.restarts, 0, "a log that was kept is the same log");
    }),
  },
  {
    name: "outage: members of the nodes that live are there after a service came back with its data",
    needs: hasServiceAndNodes,
    timeoutMs,
    run: withService(async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const { session, user } = scene.claim();
      const ada = { session, user, state: "here" };
      await a.broker.enter(room, ada, 1);
      await breakService(scene, [a, b]);
      await restoreService(scene, [a, b], true);
      const isThere = async (): Promise<boolean> =>
        (await insist(scene, () => b.broker.members(room, 10))).list.some((it) => it.session === session);
      await scene.until("the member is listed", isThere);
    }),
  },
  {
    name: "outage: a service that comes back with nothing has new logs, and knows no session",
    needs: hasService,
    timeoutMs,
    run: withService(async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const claim = scene.claim();
      const opening = await a.broker.openSession(claim);
      if (opening.outcome !== "opened") return fail(`a new session is ${opening.outcome}`);
      const follower = new Follower(b.broker, b.heard, room);
      await follower.start(ampleBound);
      const origin = { session: claim.session, ref: 1 };
      const former = await store(a, room, "lost", { origin });
      await breakService(scene, [a, b]);
      await restoreService(scene, [a, b], false);
      const repeat = { room, data: "lost", bound: ampleBound, origin };
      deepEqual(await insist(scene, async () => a.broker.append(repeat)), { outcome: "unknown-session" });
      deepEqual(await insist(scene, async () => b.broker.claimRequest(origin)), {
        outcome: "unknown-session",
      });
      const again = await insist(scene, () => a.broker.openSession({ ...claim, generation: 2 }));
      ok(again.outcome === "opened" && again.ref === 0, "the session begins anew");
      notEqual(again.ledger, opening.ledger, "a session whose ledgers were lost has other ledgers");
      const late = { ...origin, ledger: opening.ledger };
      deepEqual(await insist(scene, async () => a.broker.append({ ...repeat, origin: late })), {
        outcome: "unknown-session",
      });
      deepEqual(await insist(scene, async () => a.broker.claimRequest(late)), {
        outcome: "unknown-session",
      });
      const position = await insist(scene, () => store(a, room, "new"));
      notEqual(position.epoch, former.epoch, "a log that lost its end has another epoch");
      await scene.until(
        "the node that is subscribed reads the new log",
        () => {
          follower.retry();
          return follower.data.includes("new");
        },
        patienceMs,
      );
      equal(follower.restarts, 1);
    }),
  },
];
