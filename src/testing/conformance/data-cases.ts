import { deepEqual, equal } from "node:assert/strict";
import type { CaseDefinition } from "./case.ts";
import { ampleBound, store, type CaseNode, type Scene, read } from "./scene.ts";

/** What a room may be called: any text of up to 256 UTF-16 units. */
const oddNames: readonly (readonly [what: string, name: string])[] = [
  ["braces", "{a}/{b}"],
  ["an open brace", "}{"],
  ["colons", "a:b::c:"],
  ["spaces", " a  b "],
  ["dots and wildcards", "a.*.>.?[x]%_"],
  ["a line break", "a\nb\r\nc"],
  ["a zero character", "a\u0000b"],
  ["emoji", "🚢⚓👩‍👩‍👧"],
  ["accents in two spellings", "é e\u0301"],
  ["quotes and backslashes", `"'\\\``],
  ["a property of every object", "__proto__"],
];

/** What a broker has to carry untouched. */
export const dataCases: readonly CaseDefinition[] = [
  ...oddNames.map(([what, name]): CaseDefinition => ({
    name: `data: a room with ${what} in its name is a room like any other`,
    run: async (scene) => useRoom(scene, await scene.pair(), scene.room(name)),
  })),
  {
    name: "data: a room's name may have 256 characters",
    run: async (scene) => useRoom(scene, await scene.pair(), `${scene.room()}/`.padEnd(256, "⛵")),
  },
  {
    name: "data: rooms whose names differ in case or spelling are different ones",
    run: async (scene) => {
      const a = await scene.start();
      const name = scene.room();
      for (const room of [`${name}a`, `${name}A`, `${name}é`, `${name}e\u0301`, `${name}a `])
        equal((await store(a, room, "x")).offset, 1);
    },
  },
  {
    name: "data: an entry of 1 MiB arrives, and is read, as it was",
    run: async (scene) => carry(scene, `"${"bow".repeat(349_524)}"`),
  },
  {
    name: "data: an entry of every kind of character arrives, and is read, as it was",
    run: async (scene) => carry(scene, `{"text":"äöü ß 中文 🚢👩‍👩‍👧 \u2028\u2029\uFEFF \\u0000 \\n \u007F \t"}`),
  },
  {
    name: "data: an entry that is empty, or a number, or has line breaks, stays one",
    run: async (scene) => {
      for (const data of ["", "0", "1e400", "a\r\nb\n", "null", "+OK\r\n"]) await carry(scene, data);
    },
  },
];

/** Does everything once that can be done in a room. */
async function useRoom(scene: Scene, [a, b]: readonly [CaseNode, CaseNode], room: string): Promise<void> {
  const session = await scene.session(a);
  const origin = { session, ref: 1 };
  await b.broker.subscribe(room, ampleBound);
  const position = await store(a, room, "x", { origin });
  deepEqual((await b.broker.append({ room, data: "x", bound: ampleBound, origin })).outcome, "repeated");
  deepEqual(await b.broker.find(room, origin), position);
  deepEqual((await read(b, room, 0, 10)).entries, [{ offset: 1, data: "x" }]);
  const member = { session, user: "ada", state: { room } };
  await a.broker.enter(room, member, 1);
  deepEqual(await b.broker.members(room, 10), { count: 1, list: [member] });
  await scene.until("entry, signal and member", () => {
    a.broker.signal(room, "k", room);
    const { heard } = b;
    return [heard.entries(room), heard.signals(room), heard.presence(room)].every(({ length }) => length > 0);
  });
  equal(b.heard.signals(room)[0]?.data, room);
  await a.broker.exit(room, session, 1);
  equal((await b.broker.members(room, 10)).count, 0);
}

async function carry(scene: Scene, data: string): Promise<void> {
  const [a, b] = await scene.pair();
  const room = scene.room();
  await b.broker.subscribe(room, ampleBound);
  await store(a, room, data);
  // Not compared by deepEqual: nobody wants to see a megabyte of difference.
  const isSame = (other: string | undefined): boolean => other === data;
  equal(isSame((await read(b, room, 0, 1)).entries[0]?.data), true, "read gives another text");
  await scene.until("the entry", () => b.heard.data(room).length === 1);
  equal(isSame(b.heard.data(room)[0]), true, "the sink was given another text");
  for (const node of new Set([a, b])) await scene.stop(node);
}
