import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { knownTags, type ConformanceCase } from "./case.ts";
import { clientSide } from "./client/client-forms.ts";
import { runClientCases } from "./client/client-suite.ts";
import { loadCases } from "./load-cases.ts";
import { exitCodeOf, failureText, reportJson, reportText } from "./report.ts";
import { runCases, type CaseResult, type CaseRun } from "./run-cases.ts";
import { Scope } from "./scope.ts";
import { serverSide } from "./server-forms.ts";
import { ServerPool } from "./server-pool.ts";
import { ServerStage } from "./server-stage.ts";

/** What `bowline conformance --help` prints. */
export const conformanceUsage = `Runs the conformance suite on a server or a client: spec/CONFORMANCE.md says what they have to offer.

  --cmd COMMAND        starts the server under test (run by the shell)
  --client-cmd COMMAND starts the driver of the client under test (run by the shell), and plays the cases of clients
  --broker JSON        what the server keeps its data in: '"memory"' (default), '{"redis":"redis://…"}'
  --only PATTERN       cases whose id contains this, or fits it with * for anything
  --skip TAG,…         cases with one of these tags are skipped
  --list               names the cases, and runs none
  --json FILE          writes the results to a file
  --at-once N          cases at a time (16 for servers; 2 for clients, each with a process)
  --start-ms N         how long a server may take to print its port, or a driver to be ready (20000)
  --wait-ms N          how long anything that is expected may take (10000)
  --cases FOLDER       other cases than those of the package

Ends with 0 when every MUST passed, with 1 when one failed, with 2 when the suite could not be run.`;

/** Where the command writes. */
export interface CommandOutput {
  /** A line of the result. */
  print(text: string): void;
  /** A line for people, beside the result. */
  note(text: string): void;
}

const optionForms = {
  cmd: { type: "string" },
  "client-cmd": { type: "string" },
  broker: { type: "string", default: '"memory"' },
  only: { type: "string" },
  skip: { type: "string", default: "" },
  list: { type: "boolean", default: false },
  json: { type: "string" },
  "at-once": { type: "string" },
  "start-ms": { type: "string", default: "20000" },
  "wait-ms": { type: "string", default: "10000" },
  cases: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof optionForms }>>["values"];

/** Runs the command; gives its exit code. What stops it from running is noted, with 2. */
export async function conformance(args: readonly string[], output: CommandOutput): Promise<number> {
  try {
    const { values } = parseArgs({ args: [...args], options: optionForms });
    if (values.help) {
      output.print(conformanceUsage);
      return 0;
    }
    return await run(values, output);
  } catch (error) {
    output.note(`conformance: ${(error as Error).message}`);
    return 2;
  }
}

async function run(options: Options, output: CommandOutput): Promise<number> {
  const { cmd, "client-cmd": clientCmd, only, list, json } = options;
  if (cmd !== undefined && clientCmd !== undefined)
    throw new Error("--cmd and --client-cmd can't stand together: a run is of a server or of a client");
  const side = clientCmd === undefined ? serverSide : clientSide;
  const cases = select(loadCases(side, options.cases), only);
  if (list) {
    for (const { id, level, about } of cases) output.print(`${id} (${level}): ${about}`);
    return 0;
  }
  const command = cmd ?? clientCmd;
  if (command === undefined)
    throw new Error(
      "--cmd or --client-cmd is needed: what starts the server or the client's driver under test",
    );
  const plan = { ...planOf(options, cases, output), command };
  const results =
    side === clientSide ? await runClientCases(cases, plan) : await runServerCases(cases, plan, options);
  if (json !== undefined) writeFileSync(json, reportJson(results));
  output.print(reportText(results));
  return exitCodeOf(results);
}

/** What runs of both sides have in common. */
interface RunPlan extends Pick<CaseRun, "atOnce" | "skippedTags" | "onResult"> {
  readonly command: string;
  readonly startMs: number;
  readonly waitMs: number;
}

function planOf(
  options: Options,
  cases: readonly ConformanceCase[],
  output: CommandOutput,
): Omit<RunPlan, "command"> {
  let over = 0;
  return {
    startMs: numberOf(options, "start-ms"),
    waitMs: numberOf(options, "wait-ms"),
    atOnce: numberOf(options, "at-once", options["client-cmd"] === undefined ? "16" : "2"),
    skippedTags: tagsOf(options),
    onResult(result) {
      over += 1;
      if (result.outcome === "failed") output.note(failureText(result));
      if (over % 50 === 0 || over === cases.length) output.note(`${over} of ${cases.length} cases`);
    },
  };
}

async function runServerCases(
  cases: readonly ConformanceCase[],
  { command, startMs, waitMs, ...plan }: RunPlan,
  options: Options,
): Promise<CaseResult[]> {
  const config = { broker: brokerOf(options) };
  const pool = new ServerPool({ command, config, startMs, answerMs: waitMs }, cases);
  // A command that starts no server says so once, and not in each case.
  const [first] = cases.filter(({ tags }) => !tags.some((tag) => plan.skippedTags.has(tag)));
  if (first) await pool.take(first);
  // Kept apart from runs before it, whose data a shared store may still have.
  const run = randomBytes(3).toString("hex");
  let begun = 0;
  return runCases(cases, {
    ...plan,
    async open(it) {
      begun += 1;
      const scope = new Scope(`${run}x${begun}`);
      const server = await pool.take(it);
      return new ServerStage({ it, server, scope, waitMs });
    },
    async close(it) {
      await pool.release(it);
    },
  });
}

function select(cases: readonly ConformanceCase[], only: string | undefined): readonly ConformanceCase[] {
  if (only === undefined) return cases;
  const parts = only.split("*").map((part) => part.replaceAll(/[^\w/-]/g, String.raw`\$&`));
  const pattern = only.includes("*") ? new RegExp(`^${parts.join(".*")}$`) : new RegExp(parts.join(""));
  const selected = cases.filter(({ id }) => pattern.test(id));
  if (selected.length === 0) throw new Error(`--only ${only}: no case has such an id; --list names them`);
  return selected;
}

function tagsOf({ skip }: Options): Set<string> {
  const tags = skip.split(",").filter((tag) => tag !== "");
  const strange = tags.find((tag) => !(knownTags as readonly string[]).includes(tag));
  if (strange === undefined) return new Set(tags);
  throw new Error(`--skip: no tag "${strange}". Tags are: ${knownTags.join(", ")}`);
}

function brokerOf({ broker }: Options): unknown {
  try {
    return JSON.parse(broker) as unknown;
  } catch {
    throw new Error(`--broker must be JSON, such as '{"redis":"redis://localhost:6379"}', not ${broker}`);
  }
}

function numberOf(options: Options, name: "at-once" | "start-ms" | "wait-ms", otherwise?: string): number {
  const given = options[name] ?? otherwise;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number from 1, not ${given}`);
}
