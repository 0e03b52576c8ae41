import { deepEqual, equal, fail } from "node:assert/strict";
import { ledgerLength } from "../../server/broker.ts";
import { hasManyNodes, type CaseDefinition } from "./case.ts";
import { ampleBound, store, storedAt, upTo, read } from "./scene.ts";

/** What makes a repeated publish harmless. */
export const ledgerCases: readonly CaseDefinition[] = [
  {
    name: "ledger: the same origin again gives the first position, from every node, and appends nothing",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const request = { room, data: "x", bound: ampleBound, origin: { session, ref: 1 } };
      const position = storedAt(await a.broker.append(request));
      await store(b, room, "later");
      for (const { broker } of [a, b])
        deepEqual(await broker.append(request), { outcome: "repeated", position });
      equal((await read(a, room, 0, 10)).head, 2);
    },
  },
  {
    name: "ledger: of one origin ten times at once, over two nodes, one is stored",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const request = { room, data: "x", bound: ampleBound, origin: { session, ref: 1 } };
      const results = await Promise.all(
        upTo(10).map(async (number) => (number % 2 ? a : b).broker.append(request)),
      );
      deepEqual(results.map(({ outcome }) => outcome).sort(), [...Array(9).fill("repeated"), "stored"]);
      for (const result of results) equal("position" in result && result.position.offset, 1);
      equal((await read(b, room, 0, 10)).head, 1);
    },
  },
  {
    name: "ledger: a ref below one that is in the log is out of order, and appends nothing",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const [room, other] = [scene.room(), scene.room()];
      const session = await scene.session(a);
      await store(a, room, "seven", { origin: { session, ref: 7 } });
      const late = { room, data: "six", bound: ampleBound, origin: { session, ref: 6 } };
      for (const { broker } of [a, b]) deepEqual(await broker.append(late), { outcome: "out-of-order" });
      equal((await read(a, room, 0, 10)).head, 1);
      equal(
        (await store(b, other, "six", { origin: late.origin })).offset,
        1,
        "other rooms are not affected",
      );
    },
  },
  {
    name: "ledger: a ref that the log no longer holds is found by a node that knows only later ones",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const bound = { count: 5, ageMs: 3_600_000, bytes: Infinity };
      const request = { room, data: "first", bound, origin: { session, ref: 1 } };
      const position = storedAt(await a.broker.append(request));
      // A broker may remove what is beyond the bound only now and then: this gives it reason to.
      for (let round = 0; round < 4; round += 1)
        await Promise.all(upTo(300).map(async () => a.broker.append({ room, data: "more", bound })));
      await store(a, room, "second", { bound, origin: { session, ref: 2 } });
      for (const { broker } of [b, a])
        deepEqual(await broker.append(request), { outcome: "repeated", position });
    },
  },
  {
    name: "ledger: is there for a session that was unknown, or had other ledgers, when this node last looked",
    needs: hasManyNodes,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const claim = scene.claim();
      const { session } = claim;
      const append = { room, data: "x", bound: ampleBound };
      const unknown = await b.broker.append({ ...append, origin: { session, ref: 1 } });
      equal(unknown.outcome, "unknown-session");
      const opening = await a.broker.openSession(claim);
      if (opening.outcome !== "opened") fail(`a new session was ${opening.outcome}`);
      const { ledger } = opening;
      deepEqual(await b.broker.claimRequest({ session, ref: 2, ledger }), { outcome: "claimed" });
      equal((await b.broker.append({ ...append, origin: { session, ref: 3, ledger } })).outcome, "stored");
    },
  },
  {
    name: "ledger: one ref in two rooms is stored in each, and repeated in each",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      const rooms = [scene.room(), scene.room()];
      const requests = rooms.map((room) => ({
        room,
        data: room,
        bound: ampleBound,
        origin: { session, ref: 3 },
      }));
      for (const request of requests) equal((await a.broker.append(request)).outcome, "stored");
      for (const { broker } of [b, a])
        for (const request of requests) equal((await broker.append(request)).outcome, "repeated");
      for (const room of rooms) equal((await b.broker.find(room, { session, ref: 3 }))?.offset, 1);
    },
  },
  {
    name: "ledger: sessions do not get into each other's way",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const [ada, bob] = [await scene.session(a), await scene.session(b)];
      await store(a, room, "ada", { origin: { session: ada, ref: 5 } });
      equal((await store(b, room, "bob", { origin: { session: bob, ref: 5 } })).offset, 2);
      equal(await a.broker.find(room, { session: bob, ref: 4 }), null);
    },
  },
  {
    name: "ledger: find gives where an origin was stored, and null where it was not",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const position = await store(a, room, "x", { origin: { session, ref: 2 } });
      deepEqual(await b.broker.find(room, { session, ref: 2 }), position);
      equal(await b.broker.find(room, { session, ref: 1 }), null, "a ref that was not stored");
      equal(await b.broker.find(scene.room(), { session, ref: 2 }), null, "another room");
      equal(await b.broker.find(room, { session: scene.claim().session, ref: 2 }), null, "another session");
    },
  },
  {
    name: `ledger: the newest ${ledgerLength} refs of a session are found, whatever the rooms`,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const rooms = upTo(5).map(() => scene.room());
      const roomOf = (ref: number): string => rooms[ref % rooms.length] as string;
      const session = await scene.session(a);
      const last = ledgerLength + 40;
      const positions = await Promise.all(
        upTo(last).map((ref) => store(a, roomOf(ref), `${ref}`, { origin: { session, ref } })),
      );
      const newest = upTo(last).slice(-ledgerLength);
      const found = await Promise.all(newest.map((ref) => b.broker.find(roomOf(ref), { session, ref })));
      deepEqual(found, positions.slice(-ledgerLength));
      const origin = { session, ref: newest[0] as number };
      const again = await b.broker.append({
        room: roomOf(origin.ref),
        data: "again",
        bound: ampleBound,
        origin,
      });
      equal(again.outcome, "repeated");
    },
  },
  {
    name: "ledger: a publish is found behind a window of lower refs and one of higher ones in another room",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const [slow, fast] = [scene.room(), scene.room()];
      const session = await scene.session(a);
      const origin = { session, ref: ledgerLength };
      const position = await store(a, slow, "first", { origin });
      const others = upTo(2 * ledgerLength - 1).filter((ref) => ref !== origin.ref);
      await Promise.all(others.map((ref) => store(a, fast, `${ref}`, { origin: { session, ref } })));
      for (const { broker } of [a, b])
        deepEqual(await broker.append({ room: slow, data: "again", bound: ampleBound, origin }), {
          outcome: "repeated",
          position,
        });
    },
  },
  {
    name: `ledger: the newest ${ledgerLength} refs of a session in one room are found`,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const last = ledgerLength + 40;
      await Promise.all(upTo(last).map((ref) => store(a, room, `${ref}`, { origin: { session, ref } })));
      const newest = upTo(last).slice(-ledgerLength);
      const found = await Promise.all(newest.map((ref) => b.broker.find(room, { session, ref })));
      deepEqual(
        found.map((position) => position?.offset),
        newest,
      );
    },
  },
  {
    name: "ledger: an append for a session nobody has opened is refused, and appends nothing",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const origin = { session: scene.claim().session, ref: 1 };
      const request = { room, data: "x", bound: ampleBound, origin };
      for (const { broker } of [a, b])
        deepEqual(await broker.append(request), { outcome: "unknown-session" });
      equal((await read(a, room, 0, 10)).head, 0);
    },
  },
  {
    name: "ledger: an origin of ledgers that were forgotten is unknown to every call, and one of the present ones is not",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const claim = scene.claim();
      const { session } = claim;
      const opening = await a.broker.openSession(claim);
      if (opening.outcome !== "opened") fail(`a new session was ${opening.outcome}`);
      const { ledger } = opening;
      const position = await store(a, room, "x", { origin: { session, ref: 1, ledger } });
      for (const { broker } of [a, b]) {
        for (const ref of [1, 2]) {
          const origin = { session, ref, ledger: "forgotten" };
          const request = { room, data: "y", bound: ampleBound, origin };
          deepEqual(await broker.append(request), { outcome: "unknown-session" });
          equal(await broker.find(room, origin), null);
          deepEqual(await broker.claimRequest(origin), { outcome: "unknown-session" });
        }
        await broker.answerRequest({ session, ref: 1, ledger: "forgotten" }, "an answer");
        deepEqual(await broker.find(room, { session, ref: 1, ledger }), position);
      }
      equal((await read(a, room, 0, 10)).head, 1);
      deepEqual(await b.broker.claimRequest({ session, ref: 3, ledger }), { outcome: "claimed" });
      await a.broker.answerRequest({ session, ref: 3, ledger: "forgotten" }, "of another run");
      deepEqual(await a.broker.claimRequest({ session, ref: 3, ledger }), { outcome: "unanswered" });
    },
  },
  {
    name: "ledger: is there for a session that another node has opened a moment ago",
    needs: hasManyNodes,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const session = await scene.session(a);
      equal((await store(b, scene.room(), "x", { origin: { session, ref: 1 } })).offset, 1);
    },
  },
];
