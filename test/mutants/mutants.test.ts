import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { allMutants } from "../../mutants/all.ts";
import { judgeMutants } from "../../mutants/judge-mutants.ts";
import { applyTo, partOf, type Mutant } from "../../mutants/mutant.ts";
import { judge } from "../../mutants/trial.ts";

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

describe("the faults", () => {
  test("each fit the source, once, and change it", () => {
    const misfits: string[] = [];
    for (const mutant of allMutants) {
      try {
        const text = readFileSync(pathOf(mutant.file), "utf8");
        if (applyTo(text, mutant) === text) misfits.push(`${mutant.id} changes nothing`);
      } catch (error) {
        misfits.push((error as Error).message);
      }
    }
    expect(misfits.join("\n")).toBe("");
  });

  test("have ids of their own, and tests that exist", () => {
    const ids = allMutants.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    for (const { tests } of allMutants)
      for (const path of [tests].flat()) expect([path, existsSync(pathOf(path))]).toEqual([path, true]);
  });

  test.each([0, 2])("whose text stands in the source %i times are named", (times) => {
    const mutant = { ...(allMutants[0] as Mutant), id: "some", file: "a.ts", from: "b" };
    expect(() => applyTo("b".repeat(times), mutant)).toThrow(
      `some: a.ts holds its text ${times} times, and has to hold it once: b`,
    );
  });

  test("are all in one of their parts", () => {
    const numbers = [1, 2, 3, 4, 5, 6, 7];
    const parts = [1, 2, 3].map((number) => partOf(numbers, number, 3));
    expect(new Set(parts.flat())).toEqual(new Set(numbers));
    expect(parts.map(({ length }) => length)).toEqual([3, 2, 2]);
  });
});

const passed = { status: "passed", message: "", assertionResults: [{ status: "passed", fullName: "a b" }] };
const failed = { status: "failed", message: "", assertionResults: [{ status: "failed", fullName: "a c" }] };
const unloaded = { status: "failed", message: "x is not defined\nat y", assertionResults: [] };

test.each([
  [
    "all passed",
    { success: true, numPassedTests: 1, numFailedTests: 0, testResults: [passed] },
    "passed",
    "1 tests",
  ],
  [
    "one failed",
    { success: false, numPassedTests: 1, numFailedTests: 1, testResults: [passed, failed] },
    "failed",
    "a c",
  ],
  [
    "no file fitted",
    { success: false, numPassedTests: 0, numFailedTests: 0, testResults: [] },
    "broken",
    "no such test file",
  ],
  [
    "none was run",
    { success: true, numPassedTests: 0, numFailedTests: 0, testResults: [passed] },
    "skipped",
    "no test ran",
  ],
  [
    "a file can't be loaded",
    { success: false, numPassedTests: 0, numFailedTests: 0, testResults: [unloaded] },
    "broken",
    "x is not defined",
  ],
  [
    "an error came from elsewhere",
    { success: false, numPassedTests: 1, numFailedTests: 0, testResults: [passed] },
    "failed",
    "outside",
  ],
  ["there is no report", null, "broken", "no report"],
] as const)("where %s, that is what is said", (_what, report, outcome, detail) => {
  const judged = judge(report);
  expect(judged.outcome).toBe(outcome);
  expect(judged.detail).toContain(detail);
});

test(
  "a fault that its tests notice is killed; one that they don't, or that fits nothing, is not",
  { timeout: 60_000 },
  async () => {
    const noticed: Mutant = {
      id: "noticed",
      file: "src/base/backoff.ts",
      from: "Math.round(random.float() * ceiling)",
      to: "ceiling",
      tests: "test/base/backoff.test.ts",
      why: "all come back at once",
    };
    const mutants: Mutant[] = [
      noticed,
      { ...noticed, id: "unnoticed", tests: "test/base/random.test.ts" },
      { ...noticed, id: "misfit", from: "no such text" },
    ];
    const verdicts = await judgeMutants(mutants, { lanes: 1, trustsTests: true, receive: () => {} });
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["killed", "survived", "unfit"]);
    expect(verdicts[2]?.detail).toContain("misfit: src/base/backoff.ts holds its text 0 times");
  },
);
