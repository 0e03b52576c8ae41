import { deepEqual, equal, ok } from "node:assert/strict";
import type { CaseDefinition } from "./case.ts";
import { ampleBound, store, texts, upTo, read } from "./scene.ts";

/** Reading a log, and what it says of itself. */
export const readCases: readonly CaseDefinition[] = [
  {
    name: "read: a log nobody has appended to is empty, and has the epoch its first entry gets",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const [room, subscribed] = [scene.room(), scene.room()];
      const { epoch, ...rest } = await read(a, room, 0, 10);
      deepEqual(rest, { base: 0, head: 0, entries: [] });
      equal((await read(b, room, 0, 10)).epoch, epoch, "every node sees the same epoch");
      equal((await store(b, room, "x")).epoch, epoch, "the first entry has that epoch");
      const state = await a.broker.subscribe(subscribed, ampleBound);
      equal((await store(b, subscribed, "x")).epoch, state.epoch, "the same after a subscription");
    },
  },
  {
    name: "read: pages go on where the last one ended, on every node",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      for (const data of texts("entry", 25)) await store(a, room, data);
      const found: string[] = [];
      while (found.length < 25) {
        const page = await read(b, room, found.length, 10);
        deepEqual({ base: page.base, head: page.head }, { base: 0, head: 25 });
        ok(page.entries.length >= 1, `a page after ${found.length} of 25 is empty`);
        ok(page.entries.length <= 10, `a page of 10 has ${page.entries.length} entries`);
        for (const { offset, data } of page.entries) {
          found.push(data);
          equal(offset, found.length, "entries are contiguous");
        }
      }
      deepEqual(found, texts("entry", 25));
    },
  },
  {
    name: "read: nothing after the end, and nothing where the limit is 0",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const { epoch } = await store(a, room, "x");
      const empty = { epoch, base: 0, head: 1, entries: [] };
      deepEqual(await read(a, room, 1, 10), empty);
      deepEqual(await read(a, room, 7, 10), empty);
      deepEqual(await read(a, room, 0, 0), empty);
    },
  },
  {
    name: "read: calls about one room are carried out in their order",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const session = await scene.session(a);
      const origin = { session, ref: 1 };
      const [position, page, found, state] = await Promise.all([
        store(a, room, "x", { origin }),
        read(a, room, 0, 10),
        a.broker.find(room, origin),
        a.broker.subscribe(room, ampleBound),
      ]);
      deepEqual(page.entries, [{ offset: 1, data: "x" }]);
      deepEqual(found, position);
      equal(state.head, 1);
    },
  },
  {
    name: "read: a node that comes later reads the same log",
    needs: ({ forgets }) => !forgets,
    run: async (scene) => {
      const room = scene.room();
      const a = await scene.start();
      const positions = [await store(a, room, "one"), await store(a, room, "two")];
      await scene.stop(a);
      const b = await scene.start();
      const page = await read(b, room, 0, 10);
      deepEqual(page.entries, [
        { offset: 1, data: "one" },
        { offset: 2, data: "two" },
      ]);
      equal(page.epoch, positions[0]?.epoch, "a log that is whole keeps its epoch");
      deepEqual(await store(b, room, "three"), { offset: 3, epoch: page.epoch });
    },
  },
  {
    name: "read: two hundred rooms at once are not mixed up",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const rooms = upTo(200).map(() => scene.room());
      await Promise.all(rooms.map((room, index) => store(index % 2 ? a : b, room, room)));
      const pages = await Promise.all(rooms.map((room) => read(a, room, 0, 10)));
      deepEqual(
        pages.map(({ entries }) => entries.map(({ data }) => data)),
        rooms.map((room) => [room]),
      );
    },
  },
];
