/**
 * `npm run broker-scripts`: plays random scripts of calls, of nodes that come and go, and of a service that ends, stands
 * still or loses its data, and compares every answer with what it has to be.
 */
import { parseArgs } from "node:util";
import { findServices } from "../../../scripts/services.mjs";
import type { Step } from "./step.ts";

// Before the supports are loaded, which read where the programs are.
Object.assign(process.env, findServices());
const { stages, isInstalled } = await import("./benches.ts");
const { runSeed } = await import("./run-seed.ts");

type StageName = keyof typeof stages;

const usage = `npm run broker-scripts -- [options]
  --broker NAME   ${Object.keys(stages).join(", ")}, or all (all)
  --seeds N       how many scripts for each (50)
  --from N        the first seed (1)
  --seed N        this one alone
  --steps N       how long they are (60)
  --script JSON   plays these steps instead: what a failure has printed
  --json          what came of it as one JSON object on the standard output
Prints the shortest script found that fails; exit code 1 when one does.`;

const { values: options } = parseArgs({
  options: {
    broker: { type: "string", default: "all" },
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    steps: { type: "string", default: "60" },
    script: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
// A broker may go on to report a line that was cut.
process.exit(await main());

async function main(): Promise<number> {
  if (options.help) return (say(usage), 0);
  const misuse = findMisuse();
  if (misuse !== null) return (say(misuse), 2);
  const names = (options.broker === "all" ? Object.keys(stages) : [options.broker]) as StageName[];
  const failures: unknown[] = [];
  for (const name of names) {
    if (isInstalled(name)) failures.push(...(await playOn(name)));
    else tell(`${name} is not installed here`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ brokers: names, failures })}\n`);
  return failures.length > 0 ? 1 : 0;
}

/** What is wrong with the options, or null. */
function findMisuse(): string | null {
  const known = Object.keys(stages);
  const { broker, seed = "1", from, seeds, steps } = options;
  if (broker !== "all" && !known.includes(broker))
    return `--broker ${broker} does not exist; there are ${known.join(", ")}`;
  const isWhole = (text: string): boolean => Number.isSafeInteger(Number(text)) && Number(text) >= 0;
  return [seed, from, seeds, steps].every(isWhole)
    ? null
    : "--seed, --from, --seeds and --steps must be whole numbers";
}

/** Plays the scripts that are asked for on one broker; says what failed. */
async function playOn(name: StageName): Promise<unknown[]> {
  const script = options.script === undefined ? null : (JSON.parse(options.script) as Step[]);
  const from = Number(options.seed ?? options.from);
  const count = script || options.seed !== undefined ? 1 : Number(options.seeds);
  const failures: unknown[] = [];
  const startedMs = performance.now();
  for (let seed = from; seed < from + count; seed += 1) {
    const failure = await runSeed(name, seed, { length: Number(options.steps), ...(script && { script }) });
    if (!failure) continue;
    failures.push({ broker: name, seed, ...failure });
    tell(`${name}, seed ${seed}: ${failure.message}`);
    tell(`  npm run broker-scripts -- --broker ${name} --script '${JSON.stringify(failure.script)}'`);
  }
  tell(`${name}: ${count} scripts in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return failures;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
