/** `npm run sim`: runs the simulator. */
import {
  catchSabotage,
  formatHistory,
  sabotages,
  swarm,
  type SwarmKnobs,
  type SwarmOptions,
} from "../src/testing/index.ts";
import { readOptions } from "./command-line.ts";
import { processCount, runPool, type SeedResult } from "./sim-pool.ts";

/** The world whose speed is measured: everything about it that a seed does not draw. */
const speedWorld: Partial<SwarmKnobs> = {
  nodes: 2,
  broker: "shared",
  devices: ["sync", "async", "none", "none"],
  stranger: false,
  activeMs: 60_000,
  // Each device does something twice a second; some of that is a burst of up to 40 publishes.
  actionMeanMs: 500,
};

const usage = `npm run sim -- [options]
  --seeds N        so many seeds (300); exit code 1 on a violation
  --from N         the first of them (1)
  --seed N         one seed by itself
  --trace          with --seed: everything that happened, in order
  --sabotage NAME  a fault in the product, by name, or all of them: exit code 0 when it is caught in 200 seeds
  --speed          how many worlds of 4 clients, 2 nodes and 60 virtual seconds run in a second
  --help           this text`;

const values = readOptions(usage, {
  seeds: { type: "string" },
  from: { type: "string", default: "1" },
  seed: { type: "string" },
  trace: { type: "boolean", default: false },
  sabotage: { type: "string" },
  speed: { type: "boolean", default: false },
});

// As in sim-process.ts; one seed by itself keeps its stacks.
if (values.seed === undefined) Error.stackTraceLimit = 0;

if (values.sabotage === "all") for (const name of Object.keys(sabotages)) await runSabotage(name);
else if (values.sabotage !== undefined) await runSabotage(values.sabotage);
else if (values.speed) await runSpeed();
else if (values.seed !== undefined) await runSeed(wholeNumber("seed", values.seed));
else await runSeeds(wholeNumber("from", values.from), wholeNumber("seeds", values.seeds ?? "300"));

async function runSeed(seed: number): Promise<void> {
  const report = await swarm(seed, { trace: values.trace });
  if (values.trace) console.log(formatHistory(report.history.steps));
  console.log(JSON.stringify(report.knobs, null, 2));
  show(report);
  if (report.violations.length > 0) process.exitCode = 1;
}

async function runSeeds(from: number, count: number): Promise<void> {
  const startedMs = performance.now();
  const bad: SeedResult[] = [];
  let done = 0;
  await runPool(from, count, {}, (result) => {
    done += 1;
    if (result.violations.length > 0) {
      bad.push(result);
      clearProgress();
      show(result);
    }
    showProgress(done, count, startedMs);
  });
  clearProgress();
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(`${count} seeds, ${bad.length} with violations, ${(count / seconds).toFixed(0)} seeds/s`);
  if (bad.length > 0) process.exitCode = 1;
}

/** The same worlds each time, after some to warm up. */
async function runSpeed(): Promise<void> {
  const warmUp = 40 * processCount;
  const count = 200 * processCount;
  const options: SwarmOptions = {
    knobs: speedWorld,
  };
  let done = 0;
  let steps = 0;
  let startedMs = 0;
  await runPool(1, warmUp + count, options, (result) => {
    done += 1;
    if (done === warmUp) startedMs = performance.now();
    if (done > warmUp) steps += result.steps;
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const perSeed = Math.round(steps / count);
  console.log(
    `${(count / seconds).toFixed(1)} seeds/s with ${processCount} processes, ${perSeed} events a seed`,
  );
}

async function runSabotage(name: string): Promise<void> {
  const wraps = sabotages[name];
  if (!wraps) {
    console.error(`no sabotage "${name}"; there are: ${Object.keys(sabotages).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const caught = await catchSabotage(wraps, 200);
  console.log(
    caught
      ? `${name}: caught by seed ${caught.seed}: ${caught.message.slice(0, 120)}`
      : `${name}: not caught`,
  );
  if (!caught) process.exitCode = 1;
}

function show({ seed, violations }: Pick<SeedResult, "seed" | "violations">): void {
  if (violations.length === 0) return console.log(`seed ${seed}: no violation`);
  console.log(`seed ${seed}: ${violations.length} violations`);
  for (const { atMs, checker, message } of violations.slice(0, 5))
    console.log(`  ${(atMs / 1000).toFixed(3)}  ${checker}: ${message.slice(0, 300)}`);
}

function showProgress(done: number, count: number, startedMs: number): void {
  if (!process.stdout.isTTY || done % 10 > 0) return;
  const rate = (done / (performance.now() - startedMs)) * 1000;
  process.stdout.write(`\r${done} of ${count} seeds, ${rate.toFixed(0)} a second `);
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${option} must be a whole number, not ${text}`);
  process.exit(2);
}
