import { describe, expect, test } from "vitest";
import { contract } from "../../src/contract/contract.ts";
import { tokenOf } from "../../src/server/credentials.ts";
import type { UpgradeRequest } from "../../src/server/engine.ts";
import { Pair } from "../support/pair.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const url = (text: string): string => Buffer.from(text).toString("base64url");
const entry = (text: string): string => `bowline.token.${url(text)}`;
const bytes = "???>>>~~~ü";

/** Header, subprotocol entries besides that of the version, and the token that they are. */
const spellings: readonly [what: string, header: string | undefined, entries: string, token?: string][] = [
  ["nothing", undefined, ""],
  ["an empty header", "", ""],
  ["a header of white space", "   ", ""],
  ["a scheme alone", "Bearer", ""],
  ["a scheme and a space", "Bearer ", ""],
  ["a scheme of ours alone", "Bowline", ""],
  ["a scheme of ours and spaces", "Bowline   ", ""],
  ["an empty entry", undefined, "bowline.token."],
  ["padding alone in a header", "Bowline ==", ""],
  ["padding alone in an entry", undefined, "bowline.token.=="],
  ["another scheme", "Basic YTpi", ""],
  ["Bearer", "Bearer abc.def-_", "", "abc.def-_"],
  ["Bearer in other letters, with more space", "  bEARER \t abc ", "", "abc"],
  ["Bearer with a space inside", "Bearer a b", "", "a b"],
  ["ours", `Bowline ${url(bytes)}`, "", bytes],
  ["ours in other letters", `bowline ${url("a")}`, "", "a"],
  ["ours, padded", `Bowline ${base64("a")}`, "", "a"],
  ["ours, in the other alphabet", `Bowline ${base64(bytes)}`, "", bytes],
  ["an entry", undefined, entry(bytes), bytes],
  ["an entry, padded", undefined, `bowline.token.${base64("a")}`, "a"],
  ["two entries", undefined, `${entry("first")}, ${entry("second")}`, "first"],
  ["an empty entry and another", undefined, `bowline.token., ${entry("second")}`, "second"],
  ["a header and an entry", "Bearer header", entry("entry"), "header"],
  ["an empty header and an entry", "Bearer ", entry("entry"), "entry"],
  ["an empty one of ours and an entry", "Bowline ", entry("entry"), "entry"],
  ["another scheme and an entry", "Basic YTpi", entry("entry"), "entry"],
  ["what is no base 64, in a header", "Bowline %%%", ""],
  ["what is no base 64, in an entry", undefined, "bowline.token.%%%"],
  ["what is cut short", undefined, "bowline.token.abcde"],
  ["what is no UTF-8", undefined, "bowline.token._w"],
  ["a byte order mark", undefined, entry("\ufeffa"), "\ufeffa"],
  ["white space as a token", undefined, entry(" "), " "],
];

function request(header: string | undefined, entries: string): UpgradeRequest {
  const offered = ["bowline.v1.json", ...(entries ? [entries] : [])].join(", ");
  return {
    url: "/bowline",
    address: "127.0.0.1",
    headers: { "sec-websocket-protocol": offered, ...(header !== undefined && { authorization: header }) },
  };
}

describe("the token of a request with", () => {
  test.each(spellings)("%s", (_what, header, entries, token) => {
    expect(tokenOf(request(header, entries))).toBe(token);
  });
});

test("an upgrade and the question why one is refused are told the same of every spelling", async () => {
  const pair = new Pair(contract({}), {
    authenticate: ({ token }) => (token === undefined ? { id: "guest" } : null),
  });
  const { gate } = (await pair.start()).server;
  for (const [what, header, entries, token] of spellings)
    for (const holds of [true, false])
      expect((await gate.admit(request(header, entries), { holds })).ok, what).toBe(token === undefined);
});
