/**
 * `npm run mutants`: puts one small fault at a time into a copy of the source, and fails when the tests named for it
 * pass all the same. The faults are the rows of `mutants/rows`; docs/decisions/007-chosen-mutants.md says why.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { allMutants } from "./all.ts";
import { judgeMutants, type Verdict } from "./judge-mutants.ts";
import { partOf, type Mutant } from "./mutant.ts";

const usage = `npm run mutants -- [options]
  --only ID        only the fault of this id, or those whose ids begin so
  --part N/M       the Nth of M parts
  --rotate COUNT   as many of the quick ones, others for each commit
  --trust-tests    leaves out the runs without a fault: the tests are known to pass
  --lanes N        how many at a time (${availableParallelism()}, as many as there are cores)
  --list           the ids, and runs nothing
Exit code 1 when a fault survives, does not fit the source any more, or has tests that fail without it.`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    part: { type: "string" },
    rotate: { type: "string" },
    "trust-tests": { type: "boolean", default: false },
    lanes: { type: "string", default: String(availableParallelism()) },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();

async function main(): Promise<number> {
  if (options.help) return (print(usage), 0);
  const mutants = chosen();
  if (typeof mutants === "string") return (print(mutants), 2);
  if (options.list) return (print(mutants.map(({ id, why }) => `${id}: ${why}`).join("\n")), 0);
  const startedMs = performance.now();
  let done = 0;
  const verdicts = await judgeMutants(mutants, {
    lanes: Number(options.lanes),
    trustsTests: options["trust-tests"],
    receive: (verdict) => print(`${String(++done).padStart(3)}/${mutants.length} ${lineOf(verdict)}`),
  });
  print(summaryOf(verdicts, (performance.now() - startedMs) / 1000));
  return verdicts.some(({ outcome }) => outcome === "survived" || outcome === "unfit") ? 1 : 0;
}

/** The rows to try, or what is wrong with the options. */
function chosen(): readonly Mutant[] | string {
  const { only, part = "1/1", rotate, lanes } = options;
  if (!/^[1-9]\d*$/.test(lanes)) return `--lanes must be a whole number from 1, not ${lanes}`;
  if (rotate !== undefined)
    return /^[1-9]\d*$/.test(rotate) ? rotated(Number(rotate)) : "--rotate must be a count";
  const [number = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(part) ?? []).slice(1).map(Number);
  if (number < 1 || number > count) return `--part must be like 1/8, not ${part}`;
  const named = allMutants.filter(({ id }) => only === undefined || id === only);
  const begun = named.length > 0 ? named : allMutants.filter(({ id }) => id.startsWith(only ?? ""));
  return begun.length > 0 ? partOf(begun, number, count) : `no fault has an id that begins with ${only}`;
}

/** Others for each commit, so that the checks of a week have tried all of them. */
function rotated(count: number): Mutant[] {
  const quick = allMutants.filter(({ slow, needs }) => !slow && !needs);
  const parts = Math.ceil(quick.length / count);
  return partOf(quick, (turn() % parts) + 1, parts);
}

/** A number of the commit; of the day where there is no commit. */
function turn(): number {
  try {
    const text = execFileSync("git", ["rev-parse", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return Number.parseInt(text.slice(0, 8), 16);
  } catch {
    return Math.floor(Date.now() / 86_400_000);
  }
}

function lineOf({ mutant, outcome, detail, seconds }: Verdict): string {
  return `${outcome.padEnd(8)} ${mutant.id} (${seconds.toFixed(1)} s): ${detail}`;
}

function summaryOf(verdicts: readonly Verdict[], seconds: number): string {
  const outcomes = ["killed", "survived", "unfit", "not run"] as const;
  const areas = [...new Set(verdicts.map(({ mutant }) => areaOf(mutant)))].toSorted();
  const width = Math.max(5, ...areas.map(({ length }) => length));
  const row = (name: string, of: readonly Verdict[]): string =>
    [
      name.padEnd(width),
      ...outcomes.map((it) => String(of.filter((verdict) => verdict.outcome === it).length).padStart(9)),
    ].join("");
  const lines = ["", ["".padEnd(width), ...outcomes.map((name) => name.padStart(9))].join("")];
  for (const area of areas)
    lines.push(
      row(
        area,
        verdicts.filter(({ mutant }) => areaOf(mutant) === area),
      ),
    );
  lines.push(row("all", verdicts), `${seconds.toFixed(0)} s`);
  for (const verdict of verdicts) {
    const { mutant, outcome } = verdict;
    if (outcome !== "survived" && outcome !== "unfit") continue;
    lines.push(
      "",
      lineOf(verdict),
      `  ${mutant.file}: ${mutant.from}`,
      `  became ${mutant.to}`,
      `  ${mutant.why}`,
    );
  }
  return lines.join("\n");
}

/** `src/brokers/redis/x.ts` is of `brokers/redis`, `src/client/x.ts` of `client`. */
function areaOf({ file }: Mutant): string {
  return file.replace(/^src\//, "").replace(/\/[^/]*$/, "");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
