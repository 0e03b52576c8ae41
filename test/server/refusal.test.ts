import { expect, test } from "vitest";
import { BowlineError, type Issue } from "../../src/protocol/errors.ts";
import { refusalFrame } from "../../src/server/refusal.ts";

test("a refusal can be sent whatever a handler put into its issues", () => {
  const issue = { message: 1n, path: ["lines", 2, Symbol("x"), 3n], input: 4n } as unknown as Issue;
  const frame = refusalFrame({ ref: 1 }, new BowlineError("bad", "no", { issues: [issue] }));
  expect(JSON.parse(JSON.stringify(frame))).toEqual({
    type: "error",
    ref: 1,
    code: "bad",
    message: "no",
    issues: [{ message: "1", path: ["lines", 2, "Symbol(x)", "3"] }],
  });
});

test("a refusal names ten issues at most", () => {
  const issues = Array.from({ length: 11 }, (_, index) => ({ message: String(index), path: [] }));
  expect(refusalFrame({ ref: 1 }, new BowlineError("bad", "no", { issues })).issues).toHaveLength(10);
});

test("a refusal's words are cut off at 4,096 characters, and its code at 128", () => {
  for (const [length, sent] of [
    [4096, 4096],
    [4097, 4096],
    [5_000_000, 4096],
  ] as const) {
    const { message } = refusalFrame({ ref: 1 }, new BowlineError("bad", "x".repeat(length)));
    expect(message).toHaveLength(sent);
  }
  expect(refusalFrame({ ref: 1 }, new BowlineError("c".repeat(129), "no")).code).toHaveLength(128);
});
