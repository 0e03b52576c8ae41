import { deepEqual, equal, ok } from "node:assert/strict";
import type { CaseDefinition } from "./case.ts";
import { ampleBound, patienceMs, store, storedAt, texts, read } from "./scene.ts";

/** How long a log is kept. */
export const boundCases: readonly CaseDefinition[] = [
  {
    name: "bound: a log keeps as many entries as its count says",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const bound = { ...ampleBound, count: 5 };
      for (const data of texts("entry", 12)) await store(a, room, data, { bound });
      const page = await read(b, room, 7, 10);
      deepEqual({ base: page.base, head: page.head }, { base: 7, head: 12 });
      deepEqual(
        page.entries.map(({ offset, data }) => `${offset} ${data}`),
        [8, 9, 10, 11, 12].map((offset) => `${offset} entry ${offset}`),
      );
    },
  },
  {
    name: "bound: a page that would begin below the base is empty",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const bound = { ...ampleBound, count: 5 };
      for (const data of texts("entry", 12)) await store(a, room, data, { bound });
      deepEqual((await read(a, room, 6, 10)).entries, []);
      deepEqual((await read(a, room, 0, 10)).entries, []);
      equal((await read(a, room, 8, 10)).entries.length, 4);
    },
  },
  {
    name: "bound: a log keeps as many bytes of data as its bound says, in UTF-8",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      // 18 bytes each, with the 8 of the object around it.
      const bound = { ...ampleBound, bytes: 90 };
      for (const data of ["aaaaaaaaaa", "üüüüü", "€€€c", "🪢🪢ee", "eeeeeeeeee"])
        await store(a, room, data, { bound });
      equal((await read(b, room, 0, 10)).base, 0);
      await store(a, room, "f", { bound });
      deepEqual(await read(b, room, 1, 1).then(({ base, head }) => ({ base, head })), { base: 1, head: 6 });
      await store(a, room, "gggggggggggggggg", { bound });
      const page = await read(b, room, 2, 10);
      const offsets = page.entries.map(({ offset }) => offset);
      deepEqual({ base: page.base, offsets }, { base: 2, offsets: [3, 4, 5, 6, 7] });
    },
  },
  {
    name: "bound: the newest entry is kept, however many bytes it has; a new bound holds at once",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const bound = { ...ampleBound, bytes: 20 };
      for (const data of ["one", "two", "x".repeat(30)]) await store(a, room, data, { bound });
      const page = await read(b, room, 2, 10);
      deepEqual(
        { base: page.base, head: page.head, read: page.entries.length },
        { base: 2, head: 3, read: 1 },
      );
      for (const data of texts("entry", 4)) await store(a, room, data);
      const { base, head } = await b.broker.subscribe(room, { ...ampleBound, bytes: 30 });
      deepEqual({ base, head }, { base: 5, head: 7 });
    },
  },
  {
    name: "bound: appends at once keep to the count as well",
    run: async (scene) => {
      const a = await scene.start();
      const room = scene.room();
      const bound = { ...ampleBound, count: 3 };
      await Promise.all(texts("entry", 30).map((data) => store(a, room, data, { bound })));
      const { base, head } = await read(a, room, 27, 10);
      deepEqual({ base, head }, { base: 27, head: 30 });
    },
  },
  {
    name: "bound: entries go when they are too old; the end of the log stays where it was",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const bound = { ...ampleBound, ageMs: 300 };
      const { epoch } = await store(a, room, "one", { bound });
      await store(a, room, "two", { bound });
      await scene.until("a log whose entries are all too old is empty", async () => {
        const { base, entries } = await read(b, room, 0, 10);
        return base === 2 && entries.length === 0;
      });
      deepEqual(await store(b, room, "three", { bound }), { offset: 3, epoch });
    },
    timeoutMs: 2 * patienceMs,
  },
  {
    name: "bound: of entries of which some are too old, the others are read as they were",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const bound = { ...ampleBound, ageMs: 400 };
      for (const data of ["one", "two"]) await store(a, room, data, { bound });
      await scene.sleep(bound.ageMs + 50);
      await store(a, room, "three", { bound });
      for (const node of [b, a, b]) {
        const { base, head, entries } = await read(node, room, 2, 10);
        ok(base === 2 || base === 3, `the base of a log of three, two of them too old, is ${base}`);
        // On a slow machine, the last one is too old by now.
        deepEqual(entries, base === 2 ? [{ offset: 3, data: "three" }] : []);
        equal(head, 3);
      }
    },
  },
  {
    name: "bound: what was stored once is repeated even when the log has given it up",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      const bound = { ...ampleBound, count: 2 };
      const first = { room, data: "first", bound, origin: { session, ref: 1 } };
      const position = storedAt(await a.broker.append(first));
      for (const data of texts("entry", 5)) await store(a, room, data, { bound });
      deepEqual(await b.broker.append(first), { outcome: "repeated", position });
      deepEqual(await b.broker.find(room, first.origin), position);
    },
  },
];
