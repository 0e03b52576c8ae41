import { expect, test } from "vitest";
import { mismatch } from "../../src/conformance/match.ts";
import { Scope } from "../../src/conformance/scope.ts";

test.each<[string, unknown, unknown]>([
  ["fields that are not named", { a: 1 }, { a: 1, b: 2 }],
  ["an absent field", { a: "$absent" }, { b: 2 }],
  ["nothing in a place for null", { a: null }, { a: null }],
  ["a list", [1, { a: "$x" }], [1, { a: 2, b: 3 }]],
  ["kinds", { a: { $is: "position" } }, { a: { offset: 0, epoch: "e" } }],
  ["one of several", { $oneOf: [1, { a: 2 }] }, { a: 2 }],
  ["an order", { a: { $gte: 2 }, b: { $lt: 3 } }, { a: 2, b: 2 }],
  ["a part of a text", { $includes: "ell" }, "hello"],
  ["a length", { $length: { $gt: 1 } }, [1, 2]],
  ["any order", { $anyOrder: [1, 2] }, [2, 1]],
  ["only these fields", { $only: { a: 1 } }, { a: 1 }],
  ["the same binding twice", ["$x", "$x"], [{ a: [1] }, { a: [1] }]],
  ["a dollar sign", "$$x", "$x"],
  ["the case's suffix", "room-${n}", "room-7"],
  ["not a value", { $not: { a: 1 } }, { a: 2 }],
  ["each element", { $each: { a: "$x" } }, [{ a: 1 }, { a: 1, b: 2 }]],
  ["the last element", { $last: { a: 2 } }, [{ a: 1 }, { a: 2 }]],
  ["elements in order, with others between", { $inOrder: [1, 3] }, [0, 1, 2, 3]],
  ["what never falls", { $rising: "a" }, [{ a: "9" }, { a: "9" }, { a: "10" }]],
  ["what is there once", { $distinct: true }, [1, "1", { a: 1 }]],
])("%s fits", (_what, pattern, value) => {
  expect(mismatch(pattern, value, new Scope("7"))).toBeNull();
});

test.each<[string, unknown, unknown, string]>([
  ["a value", { a: { b: 1 } }, { a: { b: 2 } }, "a.b should be 1, and is 2"],
  ["a text for a number", { a: 1 }, { a: "1" }, 'a should be 1, and is "1"'],
  ["a missing field", { a: "$x" }, {}, "a is missing"],
  ["a field too many", { a: "$absent" }, { a: null }, "a should be absent, and is null"],
  ["no object", { a: 1 }, "text", 'it should be {"a":1}, and is "text"'],
  ["a longer list", [1], [1, 2], "it has 2 elements, expected 1"],
  ["another binding", ["$x", "$x"], [1, 2], "[1] should be 1, and is 2 (as $x was before)"],
  ["a kind", { $is: "whole" }, 1.5, "it should be a whole, and is 1.5"],
  ["none of several", { $oneOf: [1, 2] }, 3, "it should be one of [1,2], and is 3"],
  ["an order", { $gt: 2 }, 2, "it should be gt 2, and is 2"],
  ["a text where an order is", { $gt: 2 }, "3", "it should be gt 2"],
  ["an element twice", { $anyOrder: [1, 2] }, [1, 1], "it has 1, which is none of [2]"],
  ["a further field", { $only: { a: 1 } }, { a: 1, b: 2 }, 'it has the field "b"'],
  ["a value that must not be", { $not: 1 }, 1, "it must not be 1"],
  ["one of each", { $each: { a: 1 } }, [{ a: 1 }, { a: 2 }], "[1].a should be 1, and is 2"],
  ["the last element", { $last: 1 }, [1, 2], "[1] should be 1, and is 2"],
  ["the last of none", { $last: 1 }, [], "[0] should be 1, and is absent"],
  ["another order", { $inOrder: [3, 1] }, [1, 3], "it lacks 1 after its first 2 elements"],
  ["what falls", { $rising: "a" }, [{ a: "10" }, { a: "9" }], "it should never fall, and is [10,9]"],
  ["what is no number", { $rising: "a" }, [{ a: "x" }], "it should never fall"],
  ["what is there twice", { $distinct: true }, [{ a: 1 }, { a: 1 }], 'it has {"a":1} twice'],
  ["a list that is none", { $each: 1 }, 1, "it should be an array, and is 1"],
])("%s does not fit, and is named", (_what, pattern, value, why) => {
  expect(mismatch(pattern, value, new Scope("7"))).toContain(why);
});

test("only a whole fit binds", () => {
  const scope = new Scope("7");
  expect(mismatch({ a: "$x", b: 2 }, { a: 1, b: 3 }, scope)).not.toBeNull();
  expect(scope.has("x")).toBe(false);
  expect(mismatch({ a: "$x", b: 2 }, { a: 1, b: 2 }, scope)).toBeNull();
  expect(scope.get("x")).toBe(1);
});

test("rooms, users and tokens are the case's own, and nothing else is", () => {
  const given = {
    room: "chat/a",
    from: "ada",
    token: "t-ada",
    text: "ada",
    rooms: [{ room: "chat/b" }],
    user: null,
  };
  expect(new Scope("7").own(given)).toEqual({
    room: "chat/a-7",
    from: "ada-7",
    token: "t-ada-7",
    text: "ada",
    rooms: [{ room: "chat/b-7" }],
    user: null,
  });
  const strange = { room: "chat/a b", from: "carl", token: "none" };
  expect(new Scope("7").own(strange)).toEqual(strange);
});

test("what is sent is made of what was bound and of makers", () => {
  const scope = new Scope("7");
  scope.bind("p", { offset: 1 });
  const made = scope.fill({ position: "$p", text: { $text: 3, of: "ab" } });
  expect(made).toEqual({ position: { offset: 1 }, text: "ababab" });
  expect(scope.fill({ $nest: 2 })).toEqual([[0]]);
  expect(scope.embed("${base64url:t-ada} ${room:chat/a} ${n}")).toBe("dC1hZGEtNw chat/a-7 7");
});

test.each([
  ["$q", 'nothing has bound "$q" before this step'],
  ["${color:red}", '"${color:red}" is nothing that can be put in'],
  [{ $is: "x" }, '"$is" is for what is expected'],
])("what can't be made is told: %j", (value, message) => {
  expect(() => new Scope("7").fill(value)).toThrow(message);
});

test("an operator for what is sent can't judge, and no unknown kind can", () => {
  expect(() => mismatch({ $text: 3 }, "xxx", new Scope("7"))).toThrow("is for what is sent");
  expect(() => mismatch({ $is: "strnig" }, "xxx", new Scope("7"))).toThrow('knows no "strnig"');
});

test("a session's id is made of its secret as the protocol says", () => {
  const scope = new Scope("7");
  expect(scope.secret("a")).toMatch(/^[\w-]{24}$/);
  expect(scope.sessionId("a")).toMatch(/^[\w-]{22}$/);
  expect(scope.secret("a")).toBe(scope.secret("a"));
  expect(scope.secret("b")).not.toBe(scope.secret("a"));
});
