import fc from "fast-check";
import { expect, test } from "vitest";
import { fromSql, toSql } from "../../src/brokers/sqlite/sql-text.ts";

const odd = ["\0", "a\0b", "\uD800", "\uDC00a", "\u001A", "\u001Aa", '\u001A""', "a\u001A", ""];

test("any text comes back as it was, and is kept as text that SQLite neither cuts nor changes", () => {
  const check = (text: string): void => {
    const kept = toSql(text);
    expect([fromSql(kept), kept.includes("\0"), kept.isWellFormed()]).toEqual([text, false, true]);
  };
  for (const text of odd) check(text);
  fc.assert(fc.property(fc.string({ unit: "binary" }), check));
});

test("texts that differ are kept differently", () => {
  const texts = [...odd, ...odd.map(toSql)];
  expect(new Set([...new Set(texts)].map(toSql)).size).toBe(new Set(texts).size);
});
