/**
 * `npm run bench`: measures Bowline against its controls, prints a table, and ends with 1 if a delivery went wrong, 2 if
 * a target was missed, 0 otherwise. docs/performance.md says what the figures mean.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { readOptions } from "../scripts/command-line.ts";
import type { ContenderName } from "./contenders/contender.ts";
import { hostileTable, measureHostile, ratioMax } from "./hostile.ts";
import type { Sample } from "./load/task.ts";
import { buildProcesses, findCores, measureOnce, type Bench } from "./processes.ts";
import { summarize, toMarkdown, type ScenarioResult } from "./report.ts";
import { against, scenarios, type Scenario } from "./scenarios.ts";

const usage = `npm run bench -- [options]
  --scenario NAME  only this one, or those whose names start with it; may be repeated. "hostile", which is only run by
                   name: what one hostile connection costs its neighbour
  --against DIR    only Bowline, in turns with the server of another tree of this repository, e.g. a worktree of the
                   commit before; both must speak the same protocol
  --rounds N       measurements of each contender (5; quick: 1)
  --quick          small and short: shows that it works, not how fast it is
  --json           results as JSON on the standard output
  --update-docs    puts the tables into docs/performance.md and docs/scaling.md too, if every delivery was right
  --profile DIR    writes CPU profiles of the servers; the figures then include the profiler`;

const options = readOptions(usage, {
  scenario: { type: "string", multiple: true, default: [] },
  rounds: { type: "string" },
  against: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  "update-docs": { type: "boolean", default: false },
  profile: { type: "string" },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (process.platform !== "linux")
    return say("This needs Linux: it reads the servers' CPU time from /proc.", 1);
  const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
  if (!Number.isSafeInteger(rounds) || rounds < 1) return say("--rounds must be a whole number from 1", 1);
  if (options.scenario.includes("hostile")) return runHostile(rounds);
  const chosen = scenarios(options.quick)
    .filter(({ name }) => isChosen(name))
    .map((scenario) => (options.against === undefined ? scenario : against(scenario)));
  if (chosen.length === 0) {
    const names = scenarios(options.quick).map(({ name }) => name);
    return say(`no such scenario; there are ${names.join(", ")}`, 1);
  }
  await buildProcesses(options.against);
  const bench: Bench = {
    ...findCores(),
    ...(options.profile !== undefined && { profiles: options.profile }),
  };
  if (bench.serverCore === null)
    progress("note: no taskset or a single core: the processes share what there is");
  const results: ScenarioResult[] = [];
  for (const scenario of chosen) results.push(await runScenario(bench, scenario, rounds));
  const setting = describeSetting(bench, rounds);
  const tables = (of: readonly ScenarioResult[]): string => toMarkdown(of, setting);
  console.log(
    options.json ? JSON.stringify({ node: process.version, rounds, results }, null, 2) : tables(results),
  );
  const exitCode = judge(results);
  if (options["update-docs"] && exitCode !== 1) updateTables(results, tables);
  return exitCode;
}

async function runHostile(rounds: number): Promise<number> {
  // Before this process is put on one of the cores.
  const setting = describeSetting(findCores(), rounds);
  const rows = await measureHostile(rounds, options.quick ? 500 : 2000);
  console.log(
    options.json ? JSON.stringify({ node: process.version, rounds, rows }, null, 2) : hostileTable(rows),
  );
  const hasFailed = rows.some(({ wrong }) => wrong > 0);
  if (options["update-docs"] && !hasFailed && !options.quick)
    updateDocs("performance.md", "hostile", `${setting}\n\n${hostileTable(rows)}`);
  if (hasFailed) return 1;
  return rows.some(({ ratio }) => ratio > ratioMax) && !options.quick ? 2 : 0;
}

/** What a reader of the tables has to know of the machine and the run. */
function describeSetting({ serverCore, loadCore }: Bench, rounds: number): string {
  const [cpu] = cpus();
  const pinning =
    serverCore === null ? "not pinned" : `server on core ${serverCore}, load generator on core ${loadCore}`;
  const command = [
    "npm run bench",
    ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : []),
  ].join(" ");
  const quick = options.quick ? " Quick run: the figures do not count." : "";
  const machine = `Node ${process.versions.node}, ${availableParallelism()} × ${cpu?.model.trim() ?? "unknown CPU"}`;
  return `\`${command}\`: ${machine}, ${pinning}, ${rounds} round${rounds === 1 ? "" : "s"}.${quick}`;
}

function updateTables(
  results: readonly ScenarioResult[],
  tables: (of: readonly ScenarioResult[]) => string,
): void {
  // Neither a smoke test nor a comparison of two trees is what the docs show.
  if (options.quick || options.against !== undefined) return;
  for (const [name, kind] of [
    ["performance.md", "server"],
    ["scaling.md", "broker"],
  ] as const) {
    const own = results.filter(({ measured }) => measured === kind);
    if (own.length > 0) updateDocs(name, "bench", tables(own));
  }
}

function updateDocs(name: string, mark: string, text: string): void {
  const file = new URL(`../docs/${name}`, import.meta.url);
  const before = readFileSync(file, "utf8");
  const marked = new RegExp(`(<!-- ${mark}: begin -->\\n)[^]*(<!-- ${mark}: end -->)`);
  if (!marked.test(before)) throw new Error(`docs/${name} has no place marked for the tables`);
  // A function, because a replacement text gives `$` a meaning.
  writeFileSync(
    file,
    before.replace(marked, (_all, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}

function isChosen(name: string): boolean {
  return options.scenario.length === 0 || options.scenario.some((wanted) => name.startsWith(wanted));
}

/** Each contender once, and again from the start: what comes and goes on the machine meets all of them. */
async function runScenario(bench: Bench, scenario: Scenario, rounds: number): Promise<ScenarioResult> {
  const samples = new Map(scenario.contenders.map((contender): [ContenderName, Sample[]] => [contender, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [contender, own] of samples) {
      const sample = await measureOnce(bench, contender, scenario);
      own.push(sample);
      const failed = sample.failures.length > 0 ? ` FAILED: ${sample.failures[0]}` : "";
      progress(
        `${scenario.name} ${round}/${rounds} ${contender}: ${sample.figure.toFixed(3)} ${scenario.unit}${failed}`,
      );
    }
  }
  return summarize(scenario, samples);
}

function judge(results: readonly ScenarioResult[]): number {
  const failures = results.flatMap(({ name, failures: own }) => own.map((failure) => `${name}: ${failure}`));
  for (const failure of failures) progress(`FAILED ${failure}`);
  if (failures.length > 0) return 1;
  const missed = results.flatMap(({ targets }) => targets).filter(({ met }) => !met).length;
  // A quick run is too short and too small to judge by.
  return missed > 0 && !options.quick ? 2 : 0;
}

function progress(line: string): void {
  console.error(line);
}

function say(text: string, exitCode: number): number {
  console.error(text);
  return exitCode;
}
