import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/contract/canonical-json.ts";
import { differencesOf, differenceTexts } from "../../src/contract/differences.ts";
import { outlineOf, type Outline } from "../../src/contract/outline.ts";
import { chat } from "../contract-file/chat.contract.ts";

test("an outline has names and kinds, and nothing of schemas and bounds", () => {
  expect(outlineOf(chat)).toEqual({
    rooms: {
      "chat/:room": {
        events: { message: { from: "client" }, notice: { from: "server" } },
        signals: { typing: { from: "client" } },
        presence: true,
      },
      "jobs/:id": { events: { done: { from: "server" } }, signals: {}, presence: false },
    },
    requests: { "rooms.list": { idempotent: true }, "rooms.search": { idempotent: false } },
    inbox: ["mention"],
  });
});

test("canonical JSON leaves out what is undefined, and writes the rest as JSON does", () => {
  expect(canonicalJson({ b: [1, -0, 1e21, "\u2028"], a: undefined, "": null })).toBe(
    '{"":null,"b":[1,0,1e+21,"\u2028"]}',
  );
});

describe("differences in words", () => {
  const empty: Outline = { rooms: {}, requests: {}, inbox: null };
  const room = { events: {}, signals: {}, presence: false };

  test("name the part, where it is, and which side lacks it", () => {
    const ours: Outline = {
      rooms: {
        "a/:b": { ...room, events: { e: { from: "client" }, f: { from: "client" } }, presence: true },
      },
      requests: { ask: { idempotent: true } },
      inbox: ["m"],
    };
    const theirs: Outline = {
      rooms: {
        "a/:b": { ...room, events: { e: { from: "server" } }, signals: { s: { from: "client" } } },
        c: room,
      },
      requests: { ask: { idempotent: false } },
      inbox: null,
    };
    expect(differenceTexts(differencesOf(ours, theirs), "the server")).toEqual([
      'the event "e" of "a/:b" has from server at the server, and client here',
      'the server lacks the event "f" of "a/:b"',
      'only the server has the signal "s" of "a/:b"',
      'the server lacks the presence of "a/:b"',
      'only the server has the room "c"',
      'the request "ask" has idempotent false at the server, and true here',
      "the server lacks the inbox",
    ]);
  });

  test("are counted beyond the twentieth", () => {
    const requests = Object.fromEntries(
      Array.from({ length: 23 }, (_, index) => [`r${index}`, { idempotent: false }]),
    );
    const texts = differenceTexts(differencesOf({ ...empty, requests }, empty), "the server");
    expect([texts.length, texts.at(-1)]).toEqual([21, "and 3 more"]);
  });

  test("an outline of a newer version, or none, ends nothing", () => {
    for (const theirs of [{}, { ...empty, streams: {} }]) {
      expect(differencesOf(empty, theirs)).toEqual([]);
      expect(differenceTexts([], "the server")).toEqual(["in something that is of a newer version"]);
    }
  });
});
