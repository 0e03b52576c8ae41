import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { closeCodes, errorCodes } from "../../src/protocol/codes.ts";

interface Codes {
  readonly closeCodes: readonly {
    readonly code: number;
    readonly name: string;
    readonly action: "reconnect" | "stop" | "token";
    readonly from: "server" | "client" | "between";
    readonly text: string;
  }[];
  readonly errorCodes: readonly {
    readonly name: string;
    readonly retryable: boolean;
    readonly from: readonly ("server" | "client" | "http")[];
    readonly text: string;
  }[];
}

const read = (path: string): string => readFileSync(new URL(`../../spec/${path}`, import.meta.url), "utf8");
const spec = JSON.parse(read("codes.json")) as Codes;

/** The cells of the rows of the table under a heading, without the head of the table. */
function rowsUnder(heading: string): string[][] {
  const [, section = ""] = read("PROTOCOL.md").split(`\n## ${heading}\n`);
  return (section.split("\n## ")[0] as string)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "));
}

test("the close codes of the source are those of codes.json", () => {
  const rows = Object.entries(closeCodes).map(([name, { code, action, text }]) => [code, name, action, text]);
  expect(rows).toEqual(spec.closeCodes.map(({ code, name, action, text }) => [code, name, action, text]));
});

test("the error codes of the source are those of codes.json", () => {
  const named = spec.errorCodes.map(({ name, retryable, text }) => [name, { retryable, text }]);
  expect(errorCodes).toEqual(Object.fromEntries(named));
});

test("PROTOCOL.md has the close codes of codes.json", () => {
  expect(rowsUnder("Close codes")).toEqual(
    spec.closeCodes.map(({ code, name, action, from, text }) => [String(code), name, action, from, text]),
  );
});

test("PROTOCOL.md has the error codes of codes.json", () => {
  expect(rowsUnder("Error codes")).toEqual(
    spec.errorCodes.map(({ name, retryable, from, text }) => [
      name,
      retryable ? "yes" : "no",
      from.join(", "),
      text,
    ]),
  );
});

test("no name or number stands for two codes", () => {
  for (const keys of [
    spec.closeCodes.map(({ code }) => code),
    spec.closeCodes.map(({ name }) => name),
    spec.errorCodes.map(({ name }) => name),
  ])
    expect(new Set<unknown>(keys).size).toBe(keys.length);
});
