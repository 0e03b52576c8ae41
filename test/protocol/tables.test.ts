import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { closeCodes, errorCodes } from "../../src/protocol/codes.ts";

const text = readFileSync(new URL("../../spec/PROTOCOL.md", import.meta.url), "utf8");

/** The cells of every row of the tables under a heading, without backticks, head rows and rules. */
function rowsUnder(heading: string): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => new RegExp(`^#+ .*${heading}`, "i").test(line));
  expect(start, `PROTOCOL.md has a heading "${heading}"`).toBeGreaterThanOrEqual(0);
  const level = /^#+/.exec(lines[start] as string)?.[0].length ?? 1;
  const after = lines.slice(start + 1);
  const end = after.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return after
    .slice(0, end < 0 ? undefined : end)
    .filter((line) => /^\s*\|/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

const rowOf = (rows: readonly string[][], column: number, key: string): string[] | undefined =>
  rows.find((row) => row[column] === key);

describe("PROTOCOL.md", () => {
  test.each(Object.entries(closeCodes))("lists the close code %s", (name, { code, action, text: says }) => {
    expect(rowOf(rowsUnder("Close codes"), 1, name)?.slice(0, 4)).toEqual([String(code), name, action, says]);
  });

  test.each(Object.entries(errorCodes))("lists the error code %s", (name, { retryable, text: says }) => {
    expect(rowOf(rowsUnder("Error codes"), 0, name)?.slice(0, 3)).toEqual([
      name,
      retryable ? "yes" : "no",
      says,
    ]);
  });

  test("lists no code that the tables in the source do not have", () => {
    const closes = rowsUnder("Close codes").filter(([code]) => /^\d{4}$/.test(code ?? ""));
    const known = Object.values(closeCodes).map(({ code }) => String(code));
    expect(closes.map(([code]) => code).filter((code) => !known.includes(code as string))).toEqual([]);
    const errors = rowsUnder("Error codes").filter(
      ([, retryable]) => retryable === "yes" || retryable === "no",
    );
    expect(errors.map(([name]) => name).filter((name) => !Object.hasOwn(errorCodes, name as string))).toEqual(
      [],
    );
  });
});
