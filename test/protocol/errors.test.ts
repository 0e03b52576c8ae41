import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { BowlineError, isBowlineError } from "../../src/protocol/errors.ts";

test("a BowlineError says its code, and is not retryable unless it says so", () => {
  const error = new BowlineError("room_full", "this room takes 50 people");
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "BowlineError", code: "room_full", retryable: false, issues: [] });
  expect(error.message).toBe("this room takes 50 people");
  for (const name of ["cause", "room", "event", "request"]) expect(name in error).toBe(false);
  expect(inspect(error)).not.toContain("Symbol");
});

test("a BowlineError keeps what it was given", () => {
  const issues = [{ path: ["items", 0], message: "too long" }];
  const cause = new Error("inner");
  const about = { room: "chat/a", event: "message", request: "ask" };
  const error = new BowlineError("INVALID", "no", { retryable: true, issues, cause, ...about });
  expect(error).toMatchObject({ retryable: true, issues, cause, ...about });
});

test("as JSON it has all that it says, and not its cause", () => {
  const issues = [{ path: ["text"], message: "too long" }];
  const error = new BowlineError("INVALID", "no", {
    issues,
    room: "chat/a",
    event: "message",
    cause: new Error("secret"),
  });
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: "BowlineError",
    code: "INVALID",
    message: "no",
    retryable: false,
    issues,
    room: "chat/a",
    event: "message",
  });
});

describe("of another copy of the package", () => {
  /** What a second copy of the module makes. */
  const foreign = async (): Promise<unknown> => {
    vi.resetModules();
    const other = await import("../../src/protocol/errors.ts");
    expect(other.BowlineError).not.toBe(BowlineError);
    return new other.BowlineError("no_links", "no links here");
  };

  test("it is a BowlineError all the same", async () => {
    const error = await foreign();
    expect(error instanceof BowlineError).toBe(true);
    expect(isBowlineError(error)).toBe(true);
  });

  test("it is not taken for one of a class that extends this one", async () => {
    class Full extends BowlineError {}
    expect((await foreign()) instanceof Full).toBe(false);
    expect(new BowlineError("a", "b") instanceof Full).toBe(false);
    expect(new Full("a", "b") instanceof Full).toBe(true);
    expect(new Full("a", "b") instanceof BowlineError).toBe(true);
  });
});

test.each([
  null,
  undefined,
  5,
  "x",
  new Error("x"),
  { code: "FORBIDDEN" },
  runInNewContext("new Error('x')"),
])("%s is none", (value) => {
  expect(isBowlineError(value)).toBe(false);
  expect(value instanceof BowlineError).toBe(false);
});
