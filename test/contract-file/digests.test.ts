import { contract, event, request, room } from "bowline";
import { describe as describeContract } from "bowline/contract-file";
import { expect, test } from "vitest";
import * as z from "zod";
import { digestsOf, partsThatDiffer } from "../../src/contract-file/digests.ts";
import { chat } from "./chat.contract.ts";

test("every part that the outline says nothing about has a digest", () => {
  expect(Object.keys(digestsOf(describeContract(chat))).toSorted()).toEqual([
    "/inbox/events/mention",
    "/inbox/history",
    "/requests/rooms.list",
    "/requests/rooms.search",
    "/rooms/chat~1:room/events/message",
    "/rooms/chat~1:room/events/notice",
    "/rooms/chat~1:room/history",
    "/rooms/chat~1:room/presence",
    "/rooms/chat~1:room/signals/typing",
    "/rooms/jobs~1:id/events/done",
    "/rooms/jobs~1:id/history",
  ]);
});

interface Tree {
  readonly name: string;
  readonly kids: readonly Tree[];
}

/** A contract with something recursive in an event, by way of another definition in a request, and nowhere else. */
function make(name: z.ZodType<string>) {
  const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name, kids: z.array(tree) }));
  return digestsOf(
    describeContract(
      contract({
        rooms: { r: room({ events: { tree: event(tree), plain: event(z.string()) } }) },
        requests: {
          trees: request({ input: z.null(), output: z.object({ all: z.array(tree) }), errors: ["no"] }),
        },
      }),
    ),
  );
}

test("a part differs where a definition that it refers to does", () => {
  const own = make(z.string());
  expect(partsThatDiffer(own, make(z.string()))).toEqual([]);
  expect(partsThatDiffer(own, make(z.string().max(5)))).toEqual(["/requests/trees", "/rooms/r/events/tree"]);
});

test("what one of two lacks is the outline's to tell", () => {
  expect(partsThatDiffer({ a: "1", b: "2" }, { b: "3", c: "4" })).toEqual(["b"]);
});
