import { expect, test } from "vitest";
import { systemRandom } from "../../src/base/random.ts";

test("an id has the length asked for, of URL-safe characters, and is another each time", () => {
  const ids = Array.from({ length: 200 }, () => systemRandom.id(24));
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{24}$/);
  expect(new Set(ids).size).toBe(200);
});

test("every character of the alphabet comes up", () => {
  expect(new Set(systemRandom.id(10_000)).size).toBe(64);
});

test("a float is from 0 to below 1", () => {
  for (let draw = 0; draw < 1000; draw += 1) {
    const value = systemRandom.float();
    expect(value >= 0 && value < 1).toBe(true);
  }
});
