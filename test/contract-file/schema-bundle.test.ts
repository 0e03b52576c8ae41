import { contract, event, request, room } from "bowline";
import { describe as describeContract, jsonSchemaBundle } from "bowline/contract-file";
import { expect, test } from "vitest";
import * as z from "zod";
import { chat } from "./chat.contract.ts";

function namesOf(of: Parameters<typeof describeContract>[0]): string[] {
  return Object.keys(jsonSchemaBundle(describeContract(of))["$defs"] as object).toSorted();
}

test("every schema of a contract has a name of its own", () => {
  expect(namesOf(chat)).toEqual([
    "ChatRoomMessage",
    "ChatRoomNotice",
    "ChatRoomPresence",
    "ChatRoomTyping",
    "InboxUserMention",
    "JobsIdDone",
    "RequestRoomsListInput",
    "RequestRoomsListOutput",
    "RequestRoomsSearchInput",
    "RequestRoomsSearchOutput",
  ]);
});

test("names that meet are counted, and the same schema has one", () => {
  const [string, number] = [event(z.string()), event(z.number())];
  const events = { "a.b": string, "a-b": number, a_b: string };
  expect(namesOf(contract({ rooms: { r: room({ events }) } }))).toEqual(["RAB", "RAB2"]);
});

test("what is sent has a name beside what is received, and presence one beside an event of that name", () => {
  const length = z.string().transform((it) => it.length);
  const rooms = { r: room({ events: { presence: event(length) }, presence: z.boolean() }) };
  expect(namesOf(contract({ rooms }))).toEqual(["RPresence", "RPresence2", "RPresenceSent"]);
});

test("a definition is there once, under the name that leads to it", () => {
  interface Tree {
    kids: Tree[];
  }
  const tree: z.ZodType<Tree> = z.lazy(() => z.object({ kids: z.array(tree) }));
  const ask = request({ input: tree, output: z.object({ trees: z.array(tree) }) });
  const bundle = jsonSchemaBundle(describeContract(contract({ requests: { ask } })))["$defs"];
  expect(Object.keys(bundle as object).toSorted()).toEqual([
    "RequestAskInput",
    "RequestAskOutput",
    "RequestAskOutputPart1",
  ]);
});
