import { deepEqual, equal } from "node:assert/strict";
import type { Member } from "../../protocol/frames.ts";
import { leaseMsOf, type CaseDefinition } from "./case.ts";
import { ampleBound, patienceMs, type CaseNode, type Scene } from "./scene.ts";

/** A member nobody has used. */
function member(scene: Scene, state: unknown = null): Member {
  const { session, user } = scene.claim();
  return { session, user, state };
}

function bySession(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => (a.session < b.session ? -1 : 1));
}

/** Who is present, as the changes a node was told add up. */
function presentAt({ heard }: CaseNode, room: string): Member[] {
  const present = new Map<string, Member>();
  for (const { set, gone } of heard.presence(room)) {
    if (set) present.set(set.session, set);
    if (gone !== undefined) present.delete(gone);
  }
  return bySession([...present.values()]);
}

/** Who is present in a room. */
export const presenceCases: readonly CaseDefinition[] = [
  {
    name: "presence: has who entered and has not left, on any node",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const [ada, bob] = [member(scene, { at: "🚢" }), member(scene, [1])];
      await a.broker.enter(room, ada, 1);
      await b.broker.enter(room, bob, 1);
      for (const { broker } of [a, b]) {
        const { count, list } = await broker.members(room, 10);
        equal(count, 2);
        deepEqual(bySession(list), bySession([ada, bob]));
      }
      await a.broker.exit(room, ada.session, 1);
      await a.broker.exit(room, ada.session, 1);
      deepEqual(await b.broker.members(room, 10), { count: 1, list: [bob] });
      await b.broker.exit(room, bob.session, 1);
      deepEqual(await a.broker.members(room, 10), { count: 0, list: [] });
    },
  },
  {
    name: "presence: entering again replaces the state, whatever it is",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ada = member(scene, "first");
      for (const state of ["first", null, 0, { deep: [{ x: "é🚢" }] }, [], "", false]) {
        await a.broker.enter(room, { ...ada, state }, 1);
        deepEqual(await b.broker.members(room, 10), { count: 1, list: [{ ...ada, state }] });
      }
    },
  },
  {
    name: "presence: an older generation takes nobody away, and replaces nobody",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ada = member(scene);
      await a.broker.enter(room, { ...ada, state: "old" }, 1);
      await b.broker.enter(room, { ...ada, state: "new" }, 2);
      await a.broker.exit(room, ada.session, 1);
      await a.broker.enter(room, { ...ada, state: "late" }, 1);
      for (const { broker } of [a, b])
        deepEqual(await broker.members(room, 10), { count: 1, list: [{ ...ada, state: "new" }] });
      await b.broker.exit(room, ada.session, 2);
      equal((await a.broker.members(room, 10)).count, 0);
    },
  },
  {
    name: "presence: a newer generation may take away what an older one has entered",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ada = member(scene);
      await a.broker.enter(room, ada, 1);
      await b.broker.exit(room, ada.session, 2);
      equal((await a.broker.members(room, 10)).count, 0);
    },
  },
  {
    name: "presence: is a room's own, and a room that was never used is empty",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ada = member(scene);
      await a.broker.enter(room, ada, 1);
      deepEqual(await b.broker.members(scene.room(), 10), { count: 0, list: [] });
      await b.broker.exit(scene.room(), ada.session, 1);
      equal((await b.broker.members(room, 10)).count, 1);
    },
  },
  {
    name: "presence: members are listed only where there are no more than asked for; the count is always right",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      await Promise.all(Array.from({ length: 30 }, () => a.broker.enter(room, member(scene), 1)));
      deepEqual(await b.broker.members(room, 29), { count: 30, list: [] });
      deepEqual(await b.broker.members(room, 0), { count: 30, list: [] });
      const { count, list } = await b.broker.members(room, 30);
      deepEqual([count, new Set(list.map(({ session }) => session)).size], [30, 30]);
    },
  },
  {
    name: "presence: every change reaches every node that is subscribed, in order, with the count after it",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      for (const { broker } of [a, b]) await broker.subscribe(room, ampleBound);
      const [ada, bob] = [member(scene, 1), member(scene, 1)];
      await a.broker.enter(room, ada, 1);
      await b.broker.enter(room, bob, 1);
      await a.broker.enter(room, { ...ada, state: 2 }, 1);
      await b.broker.exit(room, bob.session, 1);
      const changes = [
        { set: ada, count: 1 },
        { set: bob, count: 2 },
        { set: { ...ada, state: 2 }, count: 2 },
        { gone: bob.session, count: 1 },
      ];
      for (const { id, heard } of [a, b]) {
        await scene.until(`4 changes at node ${id}`, () => heard.presence(room).length >= 4);
        deepEqual(heard.presence(room), changes);
      }
    },
  },
  {
    name: "presence: changes made at once add up to who is there",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      for (const { broker } of [a, b]) await broker.subscribe(room, ampleBound);
      const members = Array.from({ length: 20 }, () => member(scene));
      await Promise.all(
        members.flatMap((it, index) => {
          const { broker } = index % 2 ? a : b;
          const entering = broker.enter(room, it, 1);
          return index < 10 ? [entering, broker.exit(room, it.session, 1)] : [entering];
        }),
      );
      const { list } = await a.broker.members(room, 100);
      deepEqual(bySession(list), bySession(members.slice(10)));
      for (const node of [a, b]) {
        const counts = (): number[] => node.heard.presence(room).map(({ count }) => count);
        await scene.until("all the changes", () => counts().length >= 30);
        deepEqual(presentAt(node, room), bySession(list));
        equal(counts().at(-1), 10);
      }
    },
  },
  {
    name: "presence: members of a node that lives stay for longer than its lease",
    needs: ({ leaseMs }) => leaseMs !== undefined,
    timeoutMs: (bench) => 4 * leaseMsOf(bench) + 2 * patienceMs,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ada = member(scene);
      await b.broker.subscribe(room, ampleBound);
      await a.broker.enter(room, ada, 1);
      await scene.sleep(3 * scene.leaseMs);
      deepEqual(await b.broker.members(room, 10), { count: 1, list: [ada] });
      deepEqual(presentAt(b, room), [ada]);
    },
  },
];
