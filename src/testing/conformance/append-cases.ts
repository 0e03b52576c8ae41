import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { Position } from "../../protocol/frames.ts";
import type { CaseDefinition } from "./case.ts";
import { hasManyNodes } from "./case.ts";
import { ampleBound, store, storedAt, texts, upTo, read } from "./scene.ts";

/** Positions, order, and compare and set. */
export const appendCases: readonly CaseDefinition[] = [
  {
    name: "append: positions start at 1 and rise by one, in one epoch",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const positions: Position[] = [];
      for (const node of [a, b, a, a, b]) positions.push(await store(node, room, "x"));
      deepEqual(
        positions.map(({ offset }) => offset),
        upTo(5),
      );
      equal(new Set(positions.map(({ epoch }) => epoch)).size, 1, "one log has one epoch");
    },
  },
  {
    name: "append: calls made at once are stored in the order of the calls",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const positions = await Promise.all(texts("entry", 60).map((data) => store(a, room, data)));
      deepEqual(
        positions.map(({ offset }) => offset),
        upTo(60),
      );
      const page = await read(a, room, 0, 100);
      deepEqual(
        page.entries.map(({ data }) => data),
        texts("entry", 60),
      );
    },
  },
  {
    name: "append: two nodes at once make one order without holes, and each keeps its own",
    needs: hasManyNodes,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const ofA = texts("a", 40).map((data) => store(a, room, data));
      const ofB = texts("b", 40).map((data) => store(b, room, data));
      const offsets = (await Promise.all([...ofA, ...ofB])).map(({ offset }) => offset);
      deepEqual(
        offsets.toSorted((x, y) => x - y),
        upTo(80),
      );
      const data = (await read(b, room, 0, 100)).entries.map((entry) => entry.data);
      for (const label of ["a", "b"])
        deepEqual(
          data.filter((text) => text.startsWith(label)),
          texts(label, 40),
        );
    },
  },
  {
    name: "append: rooms have logs and epochs of their own",
    run: async (scene) => {
      const a = await scene.start();
      const [first, second] = [await store(a, scene.room(), "x"), await store(a, scene.room(), "x")];
      deepEqual([first.offset, second.offset], [1, 1]);
      notEqual(first.epoch, second.epoch, "two logs have two epochs");
    },
  },
  {
    name: "append: an epoch has at most 64 characters, the most a client may send back",
    run: async (scene) => {
      const { epoch } = await store(await scene.start(), scene.room(), "x");
      ok(epoch.length >= 1 && epoch.length <= 64, `the epoch ${epoch} has ${epoch.length} characters`);
    },
  },
  {
    name: "append: with ifAt stores at that very end only, and says where the log ends instead",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const first = await store(a, room, "first");
      const second = await store(b, room, "second", { ifAt: first });
      const request = { room, data: "third", bound: ampleBound };
      const conflict = { outcome: "conflict", position: second };
      deepEqual(await a.broker.append({ ...request, ifAt: first }), conflict);
      deepEqual(await a.broker.append({ ...request, ifAt: { ...second, epoch: "other" } }), conflict);
      deepEqual(await b.broker.append({ ...request, ifAt: { ...second, offset: 3 } }), conflict);
      equal((await read(a, room, 0, 10)).head, 2, "a conflict appends nothing");
    },
  },
  {
    name: "append: with ifAt can begin a log",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const { epoch } = await read(a, room, 0, 1);
      const begin = { room, data: "x", bound: ampleBound, ifAt: { offset: 0, epoch } };
      deepEqual(storedAt(await b.broker.append(begin)), { offset: 1, epoch });
      deepEqual(await a.broker.append(begin), { outcome: "conflict", position: { offset: 1, epoch } });
    },
  },
  {
    name: "append: of ten at once with one ifAt, from two nodes, one is stored",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const end = await store(a, room, "x");
      const results = await Promise.all(
        upTo(10).map(async (number) =>
          (number % 2 ? a : b).broker.append({ room, data: `${number}`, bound: ampleBound, ifAt: end }),
        ),
      );
      const stored = { offset: 2, epoch: end.epoch };
      deepEqual(results.map(({ outcome }) => outcome).sort(), [...Array(9).fill("conflict"), "stored"]);
      for (const result of results) deepEqual("position" in result && result.position, stored);
      equal((await read(b, room, 0, 10)).head, 2);
    },
  },
  {
    name: "append: an origin stored before is repeated, whatever ifAt says",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const { epoch } = await read(a, room, 0, 1);
      const request = { room, data: "x", bound: ampleBound, origin: { session, ref: 1 } };
      const position = storedAt(await a.broker.append({ ...request, ifAt: { offset: 0, epoch } }));
      await store(b, room, "later");
      const again = await b.broker.append({ ...request, ifAt: { offset: 0, epoch } });
      deepEqual(again, { outcome: "repeated", position });
    },
  },
];
