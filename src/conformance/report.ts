import type { CaseResult } from "./run-cases.ts";

/** A section's results in numbers. */
interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  must: number;
}

/** The results as a table of sections, and which cases failed. */
export function reportText(results: readonly CaseResult[]): string {
  const tallies = tally(results);
  const width = Math.max(...Array.from(tallies.keys(), (name) => name.length), "section".length);
  const row = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(9)).join("")}`;
  const lines = [row("section", ["passed", "failed", "skipped", "of MUST"])];
  for (const [name, { passed, failed, skipped, must }] of tallies)
    lines.push(row(name, [passed, failed, skipped, must]));
  const failed = results
    .filter(({ failure }) => failure)
    .map(({ case: { id, level } }) => `failed: ${id} (${level})`);
  return [...lines, ...failed].join("\n");
}

/** One failed case: what it is about, the step, what was expected and what came. */
export function failureText({ case: { id, level, about }, failure }: CaseResult): string {
  if (!failure) return "";
  const { step, text, why, trace } = failure;
  return [
    `FAILED ${id} (${level}): ${about}`,
    `  step ${step}: ${text}`,
    `  ${why.replaceAll("\n", "\n  ")}`,
    ...trace.map((line) => `    ${line}`),
  ].join("\n");
}

/** The results for other programs. */
export function reportJson(results: readonly CaseResult[]): string {
  const sections = Object.fromEntries(tally(results));
  const cases = results.map(({ case: { id, level, section }, outcome, failure, ms }) => ({
    id,
    section,
    level,
    outcome,
    ms,
    ...(failure && { failure }),
  }));
  return `${JSON.stringify({ sections, cases }, null, 2)}\n`;
}

/** 0: everything passed; 1: a MUST failed. A failed SHOULD or MAY is told, and no more. */
export function exitCodeOf(results: readonly CaseResult[]): 0 | 1 {
  return results.some(({ case: { level }, outcome }) => outcome === "failed" && level === "MUST") ? 1 : 0;
}

function tally(results: readonly CaseResult[]): Map<string, Tally> {
  const total: Tally = { passed: 0, failed: 0, skipped: 0, must: 0 };
  const tallies = new Map<string, Tally>();
  for (const { case: it, outcome } of results) {
    const section = tallies.get(it.section) ?? { passed: 0, failed: 0, skipped: 0, must: 0 };
    tallies.set(it.section, section);
    for (const each of [section, total]) {
      each[outcome] += 1;
      if (it.level === "MUST") each.must += 1;
    }
  }
  return tallies.set("all", total);
}
