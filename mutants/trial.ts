import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./mutant.ts";

/** The tests of a row. */
export type TestChoice = Pick<Mutant, "tests" | "only">;

/** How the tests of a row ended. `broken`: a test file could not even be loaded, so that it says nothing. */
export interface Trial {
  readonly outcome: "passed" | "failed" | "skipped" | "hung" | "broken";
  /** The test that failed, or what else was wrong. */
  readonly detail: string;
  readonly seconds: number;
}

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const limitMs = 60_000;
const reportName = "report.json";

/** Runs tests in a folder, up to the first that fails. */
export async function runTests(folder: string, { tests, only }: TestChoice): Promise<Trial> {
  const startedMs = performance.now();
  const reportPath = join(folder, reportName);
  rmSync(reportPath, { force: true });
  const args = ["run", "--project", "node", "--bail", "1", "--no-file-parallelism", "--reporter", "json"];
  args.push("--outputFile", reportPath, ...[tests].flat(), ...(only === undefined ? [] : ["-t", only]));
  const child = spawn(process.execPath, [join(folder, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: folder,
    stdio: "ignore",
    // A group of its own: what tests start has to end with them.
    detached: true,
  });
  const kill = (): void => killGroup(child.pid);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, limitMs);
  process.once("exit", kill);
  await once(child, "exit");
  process.off("exit", kill);
  clearTimeout(timer);
  const seconds = (performance.now() - startedMs) / 1000;
  if (isLate) return { outcome: "hung", detail: `no end in ${limitMs / 1000} s`, seconds };
  return { ...judge(readReport(reportPath)), seconds };
}

/** What the report of a run says about it; null when there is none. */
export function judge(report: Report | null): Omit<Trial, "seconds"> {
  if (!report) return { outcome: "broken", detail: "the tests left no report" };
  const unloaded = report.testResults.find(
    (it) => it.status === "failed" && it.assertionResults.length === 0,
  );
  const failed = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === "failed");
  if (failed) return { outcome: "failed", detail: failed.fullName };
  if (unloaded) return { outcome: "broken", detail: unloaded.message.split("\n")[0] ?? "" };
  if (!report.success && report.testResults.length === 0)
    return { outcome: "broken", detail: "there is no such test file" };
  if (!report.success) return { outcome: "failed", detail: "an error outside of the tests" };
  if (report.numPassedTests === 0) return { outcome: "skipped", detail: "no test ran" };
  return { outcome: "passed", detail: `${report.numPassedTests} tests` };
}

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return null;
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
