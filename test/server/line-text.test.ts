import { describe, expect, test } from "vitest";
import { shown, shownError, textLengthMax, valuesOf, without } from "../../src/server/logging/line-text.ts";

test.each([
  ["a line break", "a\nbowline: all is well", "a\\u000abowline: all is well"],
  ["a carriage return", "a\rb", "a\\u000db"],
  ["an escape sequence", "a\u001b[2Jb", "a\\u001b[2Jb"],
  ["a C1 control", "a\u009bb", "a\\u009bb"],
  ["a line separator", "a\u2028b", "a\\u2028b"],
  ["a change of direction", "a\u202eb", "a\\u202eb"],
  ["nothing", "Grüße, 日本 🙂", "Grüße, 日本 🙂"],
])("%s in a text is escaped", (_what, text, expected) => expect(shown(text)).toBe(expected));

test.each([
  ["redis://:hunter2@host:6379/0", "redis://host:6379/0"],
  ["rediss://ada:hun@ter/2@host lost", "rediss://host lost"],
  ["can't reach nats://ada:hunter2@one,nats://bea:hunter2@two", "can't reach nats://two"],
  ["https://host/path?key=hunter2&x=1 failed", "https://host/path failed"],
])("the password and the query of the URL in %j are not shown", (text, expected) =>
  expect(shown(text)).toBe(expected),
);

test("a text is cut at its bound", () => {
  expect(shown("x".repeat(textLengthMax))).toHaveLength(textLengthMax);
  expect(shown("x".repeat(textLengthMax + 1))).toBe(`${"x".repeat(textLengthMax)}…`);
});

test.each([
  ["a long value anywhere", "xhunter2x", "hunter2", "x…x"],
  ["a short one as a word", 'received "ab", not cab', "ab", 'received "…", not cab'],
  ["a number", "42 is below 420", 42, "… is below 420"],
  ["one that is written with escapes", 'received "a\\"bcd"', 'a"bcd', 'received "…"'],
  ["one within another", "hunter2hunter", ["hunter", "hunter2hunter"], "…"],
  ["one with signs of a pattern", "is a.*", "a.*", "is …"],
])("%s is taken out of a text", (_what, text, payload, expected) =>
  expect(without(text, valuesOf(payload) ?? [])).toBe(expected),
);

test("of a payload with too many values none is looked for, and none is known", () => {
  expect(valuesOf(Array.from({ length: 500 }, (_, n) => n))).toHaveLength(500);
  expect(valuesOf(Array.from({ length: 501 }, (_, n) => n))).toBeNull();
  expect(valuesOf({ a: { b: ["x", { c: "y" }] } })).toEqual(expect.arrayContaining(["x", "y"]));
});

test("of a payload that can't be read, no value is known", () => {
  const payload = {
    get secret(): never {
      throw new Error("no");
    },
  };
  expect(valuesOf({ payload })).toBeNull();
});

describe("an error", () => {
  test("has its type, code, message, places and cause, and nothing else that hangs on it", () => {
    const cause = Object.assign(new Error("WRONGPASS"), { code: "E1", command: { args: ["hunter2"] } });
    const error = shownError(new TypeError("no\nentry", { cause }));
    expect(error).toMatchObject({ type: "TypeError", message: "no\\u000aentry", cause: { code: "E1" } });
    expect(error.stack).toMatch(/line-text\.test/);
    expect(error.stack).not.toContain("no\nentry");
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });

  test.each([
    ["a text", "boom", { type: "string", message: "boom" }],
    ["nothing", undefined, { type: "undefined", message: "undefined" }],
    ["what can't be read", Object.defineProperty({}, "message", { get: () => fail() }), { type: "object" }],
    ["a list of errors", new AggregateError([new Error("one")], ""), { cause: { message: "one" } }],
  ])("may be %s", (_what, thrown, expected) => expect(shownError(thrown)).toMatchObject(expected));

  test("that is its own cause has an end", () => {
    const error = new Error("round");
    error.cause = error;
    expect(JSON.stringify(shownError(error)).match(/round/g)?.length).toBeLessThan(20);
  });
});

function fail(): never {
  throw new Error("no");
}
