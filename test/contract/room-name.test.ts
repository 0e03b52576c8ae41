import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roomParamBytesMax, RoomMatcher } from "../../src/contract/room-name.ts";

// oxlint-disable-next-line no-control-regex
const refused = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff/]/;
const matcher = (...patterns: string[]) =>
  new RoomMatcher(Object.fromEntries(patterns.map((it) => [it, it])));
const find = (name: string, ...patterns: string[]): string | undefined =>
  matcher(...patterns).match(name)?.pattern;
const paramsOf = (name: string, pattern: string) => matcher(pattern).match(name)?.params;

describe("a room name", () => {
  test("gives the values of the pattern's parameters", () => {
    expect(paramsOf("team/7/chat/a b", "team/:team/chat/:room")).toEqual({ team: "7", room: "a b" });
    expect(paramsOf("lobby", "lobby")).toEqual({});
  });

  test.each([
    ["chat", "chat/:room"],
    ["chat/", "chat/:room"],
    ["chat/a/b", "chat/:room"],
    ["/chat/a", "chat/:room"],
    ["Chat/a", "chat/:room"],
    ["chat/a\nb", "chat/:room"],
    ["chat/\u0000", "chat/:room"],
    ["chat/\u007f", "chat/:room"],
    ["chat/\ud800", "chat/:room"],
    ...[0x01, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff].map(
      (code): [string, string] => [`chat/a${String.fromCharCode(code)}b`, "chat/:room"],
    ),
    ["", "lobby"],
  ])("%j does not fit %s", (name, pattern) => {
    expect(find(name, pattern)).toBeUndefined();
  });

  test("belongs to the pattern with the earlier literal segment where several fit", () => {
    const patterns = [":a/:b", "chat/:room", "chat/lobby", ":a/lobby"];
    for (const order of [patterns, patterns.toReversed()]) {
      expect(find("chat/lobby", ...order)).toBe("chat/lobby");
      expect(find("chat/x", ...order)).toBe("chat/:room");
      expect(find("x/lobby", ...order)).toBe(":a/lobby");
      expect(find("x/y", ...order)).toBe(":a/:b");
    }
  });

  test("has parameters of at most 128 characters", () => {
    expect(paramsOf(`chat/${"x".repeat(roomParamBytesMax)}`, "chat/:room")).toBeDefined();
    expect(paramsOf(`chat/${"x".repeat(roomParamBytesMax + 1)}`, "chat/:room")).toBeUndefined();
  });

  test.each([0x20, 0x7e, 0xa0, 0x2027, 0x202f, 0x2065, 0x206a, 0xfefe, 0xff00])(
    "may have U+%i in a parameter, next to what may not be there",
    (code) => {
      const value = `a${String.fromCharCode(code)}b`;
      expect(paramsOf(`chat/${value}`, "chat/:room")).toEqual({ room: value });
    },
  );

  test("keeps whatever text a parameter has", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (value) => {
        fc.pre(!refused.test(value) && value.length <= roomParamBytesMax);
        expect(paramsOf(`chat/${value}`, "chat/:room")).toEqual({ room: value });
      }),
    );
  });

  test("with a parameter called like something every object has is nothing special", () => {
    expect(paramsOf("chat/x", "chat/:constructor")).toEqual({ constructor: "x" });
  });
});

describe("a pattern", () => {
  test.each(["", "/", "chat/", "/chat", "chat//x", "chat/:", "ch at", "chat/*", "chat/:a:b", "caf\u00e9"])(
    "%j is malformed",
    (pattern) => {
      expect(() => matcher(pattern)).toThrow(TypeError);
    },
  );

  test("may name a parameter once, and none __proto__", () => {
    expect(() => matcher("a/:x/b/:x")).toThrow(/only once/);
    expect(() => matcher("a/:__proto__")).toThrow(/__proto__/);
  });

  test("may not fit exactly the names that another fits", () => {
    expect(() => matcher("chat/:room", "chat/:name")).toThrow(
      /"chat\/:room" and "chat\/:name" fit the same names/,
    );
  });
});
