/**
 * `npm run faults`: real server processes and real clients under kill -9, dead lines, stalls and refused reconnects.
 * Prints what came of it, and ends with 1 if anything was lost, repeated or misordered, or did not settle.
 * docs/guarantees.md says what the words mean.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readOptions } from "../scripts/command-line.ts";
import type { BrokerName, ContenderName } from "./contenders/contender.ts";
import { runFaults, type FaultRunResult } from "./fault-run.ts";
import { foreignMisuse, foreignOf } from "./foreign-options.ts";
import { describeFaults, isClean, toFigures, toMarkdown } from "./report.ts";

const usage = `npm run faults -- [options]
  --seconds N            how long there are faults (60)
  --clients N            how many clients (200)
  --broker NAME          what keeps the logs: memory or sqlite (one server), redis or nats (three)
  --server-cmd CMD       starts servers of yours in the place of some of Bowline's own (run by the shell)
  --foreign-servers N    how many of them (1 of one, 2 of three)
  --client-cmd CMD       starts clients of yours, each in a process of its own
  --foreign-clients N    how many of them (a third)
  --start-ms N           how long a server or a client of yours may take to start (40000)
  --seed N               decides the faults and their times; printed, to run the same again
  --compare              runs the same against Socket.IO too
  --json                 figures as one JSON object on the standard output; with --compare, one for each name
  --update-docs          puts the table into docs/guarantees.md; needs --compare, or --broker redis or nats

A server of yours finds its config in BOWLINE_CONFORMANCE and prints its port; a client of yours is driven by JSON lines.
docs/guarantees.md says what they have to do.

Ends with 0 when nothing was lost, repeated or misordered and all settled, with 1 when it was not, with 2 when a command
did not do what it has to.`;

const brokers: readonly BrokerName[] = ["memory", "sqlite", "redis", "nats"];
const secondsMin = 2;
const clientsMin = 3;

const options = readOptions(usage, {
  seconds: { type: "string", default: "60" },
  clients: { type: "string", default: "200" },
  broker: { type: "string", default: "memory" },
  "server-cmd": { type: "string" },
  "foreign-servers": { type: "string" },
  "client-cmd": { type: "string" },
  "foreign-clients": { type: "string" },
  "start-ms": { type: "string", default: "40000" },
  seed: { type: "string" },
  compare: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  "update-docs": { type: "boolean", default: false },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();

async function main(): Promise<number> {
  const misuse = findMisuse();
  if (misuse !== null) {
    progress(misuse);
    return 1;
  }
  const seed = Number(options.seed ?? Math.floor(Math.random() * 1e9));
  const contenders: ContenderName[] = options.compare ? ["bowline", "socket.io"] : ["bowline"];
  const results: FaultRunResult[] = [];
  try {
    for (const contender of contenders) results.push(await run(contender, seed));
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const [first] = results as [FaultRunResult];
  const table = toMarkdown(results);
  print(
    options.json ? JSON.stringify(toJson(results)) : `${table}\n\n${describeFaults(first)}; seed ${seed}`,
  );
  results.forEach(explain);
  if (options["update-docs"] && isClean(first)) updateDocs(table, first, seed);
  // The comparison is shown, and judges nothing.
  return isClean(first) ? 0 : 1;
}

/** What is wrong with the options, or null. */
function findMisuse(): string | null {
  if (!brokers.includes(options.broker as BrokerName))
    return `--broker ${options.broker} does not exist; there are ${brokers.join(", ")}`;
  if (!(Number(options.seconds) >= secondsMin)) return `--seconds must be a number from ${secondsMin}`;
  const clients = Number(options.clients);
  if (!Number.isSafeInteger(clients) || clients < clientsMin)
    return `--clients must be a whole number from ${clientsMin}`;
  if (options.seed !== undefined && !Number.isSafeInteger(Number(options.seed)))
    return "--seed must be a whole number";
  if (options["update-docs"] && !options.compare && !["redis", "nats"].includes(options.broker))
    return "--update-docs needs --compare, or --broker redis or nats";
  return foreignMisuse(options);
}

function run(contender: ContenderName, seed: number): Promise<FaultRunResult> {
  const broker = contender === "bowline" ? (options.broker as BrokerName) : "memory";
  const foreignServers = foreignOf(options, "server");
  const foreignClients = foreignOf(options, "client");
  return runFaults({
    contender,
    broker,
    ...(foreignServers && { foreignServers }),
    ...(foreignClients && { foreignClients }),
    startMs: Number(options["start-ms"]),
    seed,
    seconds: Number(options.seconds),
    clients: Number(options.clients),
    // Socket.IO has no bound on what it recovers but time, so a comparison has no rooms that keep little.
    shortRooms: !options.compare,
    onProgress: progress,
  });
}

function toJson(results: readonly FaultRunResult[]): unknown {
  const figures = results.map((result) => [result.contender, toFigures(result)] as const);
  return options.compare ? Object.fromEntries(figures) : figures[0]?.[1];
}

/** Says what went wrong. */
function explain(result: FaultRunResult): void {
  const { contender, verdict, settledMs, unsettled } = result;
  if (settledMs === null) progress(`${contender} did not settle: ${unsettled}`);
  for (const example of verdict.examples) progress(`${contender}: ${example}`);
}

function updateDocs(table: string, first: FaultRunResult, seed: number): void {
  const file = new URL("../docs/guarantees.md", import.meta.url);
  const text = readFileSync(file, "utf8");
  const [place, option] = options.compare
    ? ["faults", "--compare"]
    : [`faults ${options.broker}`, `--broker ${options.broker}`];
  const marked = new RegExp(`(<!-- ${place}: begin -->\\n)[^]*(<!-- ${place}: end -->)`);
  if (!marked.test(text)) throw new Error("docs/guarantees.md has no place marked for the figures");
  const setting = `\`npm run faults -- ${option} --seconds ${options.seconds} --clients ${options.clients} --seed ${seed}\`, Node ${process.versions.node}. Faults: ${describeFaults(first)}.`;
  // A function, because a replacement text gives `$` a meaning.
  writeFileSync(
    file,
    text.replace(marked, (_all, begin: string, end: string) => `${begin}\n${setting}\n\n${table}\n\n${end}`),
  );
}

/** For whoever watches: the standard output is for the result. */
function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
