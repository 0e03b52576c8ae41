import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type } from "arktype";
import { contract, event, inboxPattern, request, room } from "bowline";
import { describe as describeContract, type ContractFile } from "bowline/contract-file";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { chat } from "../contract-file/chat.contract.ts";

const schema = JSON.parse(
  readFileSync(new URL("../../spec/contract.schema.json", import.meta.url), "utf8"),
) as object;
const fits = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);

/** The file as it is read back. */
function fileOf(of: Parameters<typeof describeContract>[0]): ContractFile {
  return JSON.parse(JSON.stringify(describeContract(of))) as ContractFile;
}

interface Tree {
  readonly kids: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ kids: z.array(tree) }));
const odd = contract({
  rooms: {
    "a/:b/c": room({
      events: {
        "a/b~": event(z.object({ at: z.date(), n: z.string().transform(Number) }).refine(Boolean)),
        tree: event(tree),
        id: event(z.object({ $id: z.string(), $schema: z.string(), "x-lost-here": z.string() })),
        ark: event(type({ "a?": "string | number[]" })),
      },
      presence: z.string().default("away"),
      history: { age: Infinity },
    }),
  },
  requests: { "": request({ input: z.unknown(), output: z.never(), errors: ["b", "a"] }) },
  inbox: {},
});

describe("the schema of the contract file", () => {
  test.each(Object.entries({ chat, odd, empty: contract({}) }))(
    "takes what describe gives of %s",
    (_name, of) => {
      fits(fileOf(of));
      expect(fits.errors).toBeNull();
    },
  );

  test("and no member is lost that has the name of one that is left out", () => {
    const { properties } = fileOf(odd).rooms["a/:b/c"]?.events["id"]?.payload ?? {};
    expect(Object.keys(properties as object)).toEqual(["$id", "$schema", "x-lost-here"]);
  });

  const file = fileOf(chat);
  const { rooms } = file;
  const lobby = rooms["chat/:room"]!;
  const withRoom = (change: object): object => ({ ...file, rooms: { r: { ...lobby, ...change } } });
  test.each<[string, object]>([
    ["another version", { ...file, contract: 2 }],
    ["a member too many", { ...file, streams: {} }],
    ["a member too few", { contract: 1, rooms, requests: {}, inbox: null, $defs: {} }],
    ["a pattern that is none", { ...file, rooms: { "chat//": lobby } }],
    ["a history of nothing", withRoom({ history: { count: 0, ageMs: 1, bytes: 1 } })],
    ["no history", withRoom({ history: undefined })],
    ["an event from nobody", withRoom({ events: { e: { from: "peer", payload: {} } } })],
    [
      "an event from the server that a client sends",
      withRoom({ events: { e: { from: "server", payload: {}, sent: {} } } }),
    ],
    ["a schema that is none", withRoom({ events: { e: { from: "client", payload: { type: "text" } } } })],
    [
      "a schema of a dialect of its own",
      withRoom({ presence: { payload: { $schema: "http://json-schema.org/draft-07/schema#" } } }),
    ],
    ["lost without a place", { ...file, lost: [{ of: "", at: "", what: "type", text: "" }] }],
  ])("refuses %s", (_what, wrong) => {
    expect(fits(JSON.parse(JSON.stringify(wrong)))).toBe(false);
  });
});

test("every schema of a file leads to definitions that are there", () => {
  const wrong: string[] = [];
  for (const of of [chat, odd]) {
    const { $defs, ...rest } = fileOf(of);
    for (const [, ref = ""] of JSON.stringify([rest, $defs]).matchAll(/"\$ref":"([^"]*)"/g))
      if (!Object.hasOwn($defs, ref.replace("#/$defs/", ""))) wrong.push(ref);
    expect(Object.keys(rest.rooms)).not.toContain(inboxPattern);
  }
  expect(wrong).toEqual([]);
});
