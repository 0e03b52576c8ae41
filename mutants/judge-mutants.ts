import { findServices } from "../scripts/services.mjs";
import { Copy } from "./copy.ts";
import type { Mutant } from "./mutant.ts";
import { runTests, type TestChoice, type Trial } from "./trial.ts";

/** What came of one row. Only `killed` and `not run` are as they should be. */
export interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: "killed" | "survived" | "not run" | "unfit";
  /** The test that noticed it, or why not. */
  readonly detail: string;
  readonly seconds: number;
}

export interface JudgeOptions {
  /** How many at a time, each in a copy of its own. */
  readonly lanes: number;
  /** Whether the tests are known to pass without the faults. */
  readonly trustsTests: boolean;
  readonly receive: (verdict: Verdict) => void;
}

/** Tries every mutant; hands the verdicts over as they come, and returns them all. */
export async function judgeMutants(mutants: readonly Mutant[], options: JudgeOptions): Promise<Verdict[]> {
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const baselines = new Map<string, Promise<Trial>>();
  const work = async (): Promise<void> => {
    const copy = new Copy();
    const remove = (): void => copy.remove();
    process.once("exit", remove);
    try {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const baseline = options.trustsTests ? null : await baselineOf(baselines, copy, mutant);
        const verdict = { mutant, ...(await judgeOne(copy, mutant, baseline)) };
        verdicts.push(verdict);
        options.receive(verdict);
      }
    } finally {
      process.off("exit", remove);
      remove();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.lanes, mutants.length) }, work));
  return verdicts;
}

/** The tests of a row without its fault, run once for all rows that have the same. */
function baselineOf(known: Map<string, Promise<Trial>>, copy: Copy, { tests, only }: Mutant): Promise<Trial> {
  const key = JSON.stringify([tests, only]);
  let baseline = known.get(key);
  if (!baseline) known.set(key, (baseline = runTests(copy.folder, choiceOf({ tests, only }))));
  return baseline;
}

function choiceOf({ tests, only }: { tests: Mutant["tests"]; only: string | undefined }): TestChoice {
  return only === undefined ? { tests } : { tests, only };
}

async function judgeOne(
  copy: Copy,
  mutant: Mutant,
  baseline: Trial | null,
): Promise<Omit<Verdict, "mutant">> {
  if (!hasService(mutant))
    return { outcome: "not run", detail: `${mutant.needs} is not installed`, seconds: 0 };
  if (baseline && baseline.outcome !== "passed")
    return {
      outcome: "unfit",
      detail: `without it, its tests ${textOf(baseline)}`,
      seconds: baseline.seconds,
    };
  try {
    const trial = await copy.with(mutant, () => runTests(copy.folder, mutant));
    return { ...verdictOf(trial), seconds: trial.seconds };
  } catch (error) {
    return { outcome: "unfit", detail: (error as Error).message, seconds: 0 };
  }
}

/** A test that hangs has noticed something too. */
function verdictOf(trial: Trial): Pick<Verdict, "outcome" | "detail"> {
  if (trial.outcome === "failed" || trial.outcome === "hung")
    return { outcome: "killed", detail: trial.detail };
  if (trial.outcome === "passed") return { outcome: "survived", detail: `${trial.detail} pass with it` };
  return { outcome: "unfit", detail: `its tests ${textOf(trial)}` };
}

function textOf({ outcome, detail }: Trial): string {
  return outcome === "broken"
    ? `can't be run: ${detail}`
    : outcome === "skipped"
      ? "do not exist"
      : `${outcome}: ${detail}`;
}

function hasService({ needs }: Mutant): boolean {
  return needs === undefined || `SERVICE_${needs.toUpperCase().replaceAll("-", "_")}` in findServices();
}
