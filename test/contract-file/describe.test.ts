import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { contract, event, request, room, type Schema } from "bowline";
import {
  contractFileHash,
  contractText,
  describe as describeContract,
  type ContractFile,
} from "bowline/contract-file";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import { chat } from "./chat.contract.ts";

/** What becomes of a schema as the payload of an event that clients send. */
function describePayload(schema: Schema) {
  const file = describeContract(contract({ rooms: { r: room({ events: { e: event(schema) } }) } }));
  const { payload, sent } = file.rooms["r"]?.events["e"] ?? {};
  return { payload, sent, lost: file.lost.map(({ at, what }) => `${what} ${at}`), $defs: file.$defs, file };
}

test("a contract becomes data, with names, kinds and bounds as they are", () => {
  const file = describeContract(chat);
  expect(file).toMatchObject({
    contract: 1,
    rooms: {
      "chat/:room": {
        events: { message: { from: "client" }, notice: { from: "server" } },
        signals: { typing: { from: "client" } },
        history: { count: 200, ageMs: 86_400_000, bytes: 8_388_608 },
      },
      "jobs/:id": { presence: null, signals: {} },
    },
    requests: {
      "rooms.list": { idempotent: true, errors: [] },
      "rooms.search": { idempotent: false, errors: ["rate_limited", "too_vague"] },
    },
    inbox: { history: { count: 1000 } },
    lost: [],
  });
  expect(Object.keys(file.rooms)).not.toContain("inbox/:user");
  expect(file.rooms["chat/:room"]?.events["message"]?.payload).toEqual({
    type: "object",
    properties: { text: { type: "string", minLength: 1, maxLength: 2000 } },
    required: ["text"],
    additionalProperties: false,
  });
});

test("the order in which a contract names things changes neither text nor hash", () => {
  const message = event(z.object({ a: z.string(), b: z.string() }));
  const one = contract({
    rooms: { b: room({ events: { y: message, x: message } }), a: room({ events: {} }) },
    requests: { "2": request({ input: z.null(), output: z.null(), errors: ["b", "a"] }) },
  });
  const other = contract({
    requests: { "2": request({ output: z.null(), input: z.null(), errors: ["a", "b"] }) },
    rooms: { a: room({ events: {} }), b: room({ events: { x: message, y: message } }) },
  });
  expect(contractText(describeContract(one))).toBe(contractText(describeContract(other)));
  expect(contractFileHash(describeContract(one))).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test("a schema, a bound, a name: each makes another hash; what is lost does not", () => {
  const make = (text: Schema, count = 10, name = "m"): ContractFile =>
    describeContract(
      contract({ rooms: { r: room({ events: { [name]: event(text) }, history: { count } }) } }),
    );
  const plain = z.object({ text: z.string() });
  const hashes = [
    make(plain),
    make(z.object({ text: z.string().max(5) })),
    make(plain, 11),
    make(plain, 10, "n"),
  ].map(contractFileHash);
  expect(new Set(hashes).size).toBe(4);
  const refined = make(plain.refine(() => true));
  expect(refined.lost).toHaveLength(1);
  expect(contractFileHash(refined)).toBe(hashes[0]);
});

function valibotOf(a: v.GenericSchema): Schema {
  return toStandardJsonSchema(v.object({ a }));
}

const text = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

describe("an object is closed where its schema refuses or drops what it does not name, and open where it keeps it", () => {
  test.each<[string, Schema, boolean]>([
    ["zod drops", z.object({ text: z.string() }), true],
    ["zod refuses", z.strictObject({ text: z.string() }), true],
    ["zod keeps", z.looseObject({ text: z.string() }), false],
    ["Valibot drops", toStandardJsonSchema(v.object({ text: v.string() })), true],
    ["Valibot refuses", toStandardJsonSchema(v.strictObject({ text: v.string() })), true],
    ["Valibot keeps", toStandardJsonSchema(v.looseObject({ text: v.string() })), false],
    ["ArkType keeps", type({ text: "string" }), false],
    ["ArkType refuses", type({ text: "string", "+": "reject" }), true],
    ["ArkType drops", type({ text: "string", "+": "delete" }), true],
  ])("%s", (_case, schema, isClosed) => {
    const { payload = {}, sent, lost } = describePayload(schema);
    const { additionalProperties = {}, ...rest } = payload;
    expect(rest).toEqual(text);
    expect(additionalProperties).toEqual(isClosed ? false : {});
    expect({ sent, lost }).toEqual({ sent: undefined, lost: [] });
  });

  test("an intersection of closed objects is closed as a whole", () => {
    const valibot = v.intersect([v.object({ a: v.string() }), v.object({ b: v.string() })]);
    expect(describePayload(toStandardJsonSchema(valibot)).payload).toMatchObject({
      allOf: [{ required: ["a"] }, { required: ["b"] }],
      unevaluatedProperties: false,
    });
    const { payload } = describePayload(
      z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
    );
    expect(payload).toMatchObject({ required: ["a", "b"], additionalProperties: false });
  });
});

describe("what JSON Schema can't say is named, with its place", () => {
  const length = (it: string): number => it.length;
  test.each<[string, Schema, string[]]>([
    ["zod: transform", z.object({ a: z.string().transform(length) }), ["transform /properties/a"]],
    ["zod: transform in an array", z.array(z.string().transform(length)), ["transform /items"]],
    ["zod: preprocess", z.object({ a: z.preprocess(String, z.string()) }), ["transform /properties/a"]],
    ["zod: coerce", z.object({ a: z.coerce.number() }), ["transform /properties/a"]],
    ["zod: catch", z.object({ a: z.string().catch("") }), ["transform /properties/a"]],
    ["zod: trim", z.object({ a: z.string().trim() }), ["transform /properties/a"]],
    ["zod: codec", z.object({ a: z.stringbool() }), ["transform /properties/a"]],
    ["zod: refine", z.object({ a: z.string().refine(Boolean) }), ["refinement /properties/a"]],
    ["zod: refine of all", z.object({ a: z.string() }).refine(Boolean), ["refinement "]],
    ["zod: bigint", z.object({ a: z.bigint() }), ["type /properties/a"]],
    ["zod: date", z.object({ a: z.date() }), ["type /properties/a"]],
    ["zod: a name with a slash", z.object({ "a/b~": z.date() }), ["type /properties/a~1b~0"]],
    ["ArkType: morph", type({ a: type("string").pipe(length) }), ["transform /properties/a"]],
    ["ArkType: narrow", type({ a: type("string").narrow(Boolean) }), ["refinement /properties/a"]],
    ["ArkType: Date", type({ a: "Date" }), ["type /properties/a"]],
    ["Valibot: transform", valibotOf(v.pipe(v.string(), v.transform(length))), ["transform /properties/a"]],
    [
      "Valibot: check",
      valibotOf(
        v.pipe(
          v.string(),
          v.check((it: string) => it !== ""),
        ),
      ),
      ["refinement /properties/a"],
    ],
    ["Valibot: trim", valibotOf(v.pipe(v.string(), v.trim())), ["transform /properties/a"]],
    ["Valibot: date", valibotOf(v.date()), ["type /properties/a"]],
    ["Valibot without its converter", v.object({ a: v.string() }), ["schema "]],
    ["zod/mini", mini.object({ a: mini.string() }), ["schema "]],
  ])("%s", (_case, schema, lost) => {
    expect(describePayload(schema).lost).toEqual(lost);
  });

  test("a schema without a converter fits anything, and says what to do", () => {
    const { payload, file } = describePayload(v.object({ a: v.string() }));
    expect(payload).toEqual({});
    expect(file.lost).toEqual([
      {
        of: "/rooms/r/events/e",
        at: "",
        what: "schema",
        text: "this schema of valibot has no JSON Schema: wrap it in toStandardJsonSchema() of @valibot/to-json-schema",
      },
    ]);
  });

  test("a converter that fails, or gives no schema, loses its schema alone", () => {
    const schema = (input: () => unknown): Schema =>
      ({
        "~standard": {
          version: 1,
          vendor: "own",
          validate: () => ({ value: 1 }),
          jsonSchema: { input, output: input },
        },
      }) as Schema;
    const fail = (): never => {
      throw new Error("no idea");
    };
    for (const [convert, why] of [
      [fail, "own can't convert it: no idea"],
      [() => 5, "no JSON Schema object"],
    ] as const) {
      const { payload, file } = describePayload(schema(convert));
      expect(payload).toEqual({});
      expect(file.lost[0]?.text).toContain(why);
    }
  });
});

test("what is sent stands beside what is received where they differ, and only for what clients send", () => {
  const schema = z.object({ at: z.string().transform(Number), kind: z.string().default("note") });
  const { payload, sent } = describePayload(schema);
  expect(sent).toMatchObject({ properties: { at: { type: "string" } }, required: ["at"] });
  expect(payload).toMatchObject({ properties: { at: {} }, required: ["at", "kind"] });
  const { rooms, requests } = describeContract(
    contract({
      rooms: { r: room({ events: { e: event(schema, { from: "server" }) } }) },
      requests: { ask: request({ input: schema, output: schema }) },
    }),
  );
  expect(rooms["r"]?.events["e"]).toEqual({ from: "server", payload });
  expect(requests["ask"]).toMatchObject({ input: sent, output: payload });
});

describe("a schema that refers to itself is a definition of the file", () => {
  interface Tree {
    name: string;
    kids: Tree[];
  }
  const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), kids: z.array(tree) }));
  const named: z.ZodType<Tree> = z
    .object({ name: z.string(), kids: z.array(z.lazy(() => named)) })
    .meta({ id: "Tree" });
  const forest: v.GenericSchema<Tree> = v.object({ name: v.string(), kids: v.array(v.lazy(() => forest)) });
  const scope = type.module({ tree: { name: "string", kids: "tree[]" } });
  test.each<[string, Schema, string]>([
    ["zod, the whole", tree, "RE"],
    ["zod, with a name", named, "Tree"],
    ["Valibot", toStandardJsonSchema(v.lazy(() => forest)), "REPart1"],
    ["ArkType", scope.tree, "REPart1"],
  ])("%s", (_case, schema, name) => {
    const { payload, $defs, lost } = describePayload(schema);
    const ref = { $ref: `#/$defs/${name}` };
    expect(payload).toEqual(ref);
    expect(JSON.stringify($defs)).toContain(JSON.stringify(ref));
    expect(lost).toEqual([]);
  });

  test("two of one name that differ have two names, and one that is used twice has one", () => {
    const leaf = (it: z.ZodType) => it.meta({ id: "Leaf" });
    const number = z.object({ a: leaf(z.object({ n: z.number() })) });
    const string = z.object({ a: leaf(z.object({ s: z.string() })) });
    const { $defs, rooms } = describeContract(
      contract({ rooms: { r: room({ events: { a: event(number), b: event(string), c: event(number) } }) } }),
    );
    expect(Object.keys($defs).toSorted()).toEqual(["Leaf", "Leaf2"]);
    const refs = ["a", "b", "c"].map((name) => rooms["r"]?.events[name]?.payload["properties"]);
    expect(refs).toEqual([
      { a: { $ref: "#/$defs/Leaf" } },
      { a: { $ref: "#/$defs/Leaf2" } },
      { a: { $ref: "#/$defs/Leaf" } },
    ]);
  });
});
