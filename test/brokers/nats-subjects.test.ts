import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nameOf, tokenOf } from "../../src/brokers/nats/subjects.ts";

test("a plain name is its own token", () => {
  expect(tokenOf("chat/lobby-2_b")).toBe("chat/lobby-2_b");
});

test("what NATS gives a meaning to is written otherwise", () => {
  expect(tokenOf("a.b c>*=")).toBe("a=002eb=0020c=003e=002a=003d");
});

test("every name has a token of its own that NATS takes, and can be had back from it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 256 }), (name) => {
      expect(tokenOf(name)).toMatch(/^[\w/=-]+$/);
      expect(nameOf(tokenOf(name))).toBe(name);
    }),
  );
});

test("the names that can't be written as UTF-8 have tokens of their own, too", () => {
  expect(tokenOf("\ud800")).not.toBe(tokenOf("\udc00"));
  expect(nameOf(tokenOf("\ud800"))).toBe("\ud800");
});
