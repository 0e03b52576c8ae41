import type { ConformanceCase, JsonObject } from "./case.ts";

/** Why a case failed. */
export interface Failure {
  /** From 1. */
  readonly step: number;
  /** The step as the file has it, cut. */
  readonly text: string;
  /** What was expected and what came. */
  readonly why: string;
  /** The last frames of each socket. */
  readonly trace: readonly string[];
}

export interface CaseResult {
  readonly case: ConformanceCase;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly failure?: Failure;
  readonly ms: number;
}

/** Where one case plays. */
export interface Stage {
  /** Carries out one step; rejects with what was expected and what came. */
  play(step: JsonObject): Promise<void>;
  /** The last frames, for the report of a failure. */
  trace(): readonly string[];
  /** Lets go of everything; never rejects. */
  end(): Promise<void>;
}

/** How cases are run. */
export interface CaseRun {
  /** Readies what a case needs. What it rejects with fails the case. */
  open(it: ConformanceCase): Promise<Stage>;
  /** Told when a case is over, however it went; skipped ones are over at once. Never rejects. */
  close(it: ConformanceCase): Promise<void>;
  /** Most cases at a time. */
  readonly atOnce: number;
  /** Cases with one of these tags are skipped. */
  readonly skippedTags: ReadonlySet<string>;
  /** Told of each result as it comes. */
  onResult(result: CaseResult): void;
}

/** Runs the cases, many at a time, and gives their results in the order of the cases. */
export async function runCases(cases: readonly ConformanceCase[], run: CaseRun): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  // What has a process of its own waits for its start: begun first, it costs the others nothing.
  const queue = cases
    .map((it, index) => ({ it, index }))
    .sort((a, b) => Number(b.it.alone) - Number(a.it.alone));
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const result = await runCase(next.it, run);
      await run.close(next.it);
      results[next.index] = result;
      run.onResult(result);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, run.atOnce) }, work));
  return results;
}

async function runCase(it: ConformanceCase, run: CaseRun): Promise<CaseResult> {
  if (it.tags.some((tag) => run.skippedTags.has(tag))) return { case: it, outcome: "skipped", ms: 0 };
  const startedMs = performance.now();
  let stage: Stage | null = null;
  let index = -1;
  const since = (): number => Math.round(performance.now() - startedMs);
  try {
    stage = await run.open(it);
    for (const step of it.steps) {
      index += 1;
      await stage.play(step);
    }
    return { case: it, outcome: "passed", ms: since() };
  } catch (error) {
    const text = index < 0 ? "the start" : JSON.stringify(it.steps[index]);
    const failure = {
      step: index + 1,
      text: text.length > stepLengthMax ? `${text.slice(0, stepLengthMax)}…` : text,
      why: error instanceof Error ? error.message : String(error),
      trace: stage?.trace() ?? [],
    };
    return { case: it, outcome: "failed", failure, ms: since() };
  } finally {
    await stage?.end();
  }
}

const stepLengthMax = 400;
