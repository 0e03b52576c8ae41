import { expect, test } from "vitest";
import { BowlineError } from "../../src/protocol/errors.ts";

test("a BowlineError says its code, and is not retryable unless it says so", () => {
  const error = new BowlineError("room_full", "this room takes 50 people");
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "BowlineError", code: "room_full", retryable: false, issues: [] });
  expect(error.message).toBe("this room takes 50 people");
  expect("cause" in error).toBe(false);
});

test("a BowlineError keeps what it was given", () => {
  const issues = [{ path: ["items", 0], message: "too long" }];
  const cause = new Error("inner");
  const error = new BowlineError("INVALID", "no", { retryable: true, issues, cause });
  expect(error).toMatchObject({ retryable: true, issues, cause });
});
