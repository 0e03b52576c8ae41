import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startRedis } from "../faults/services/redis.ts";
import type { BrokerService } from "../faults/services/service.ts";
import type { ContenderName } from "./contenders/contender.ts";
import type { LoadTask, Sample } from "./load/task.ts";
import type { Scenario } from "./scenarios.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const buildDirectory = fileURLToPath(new URL("../node_modules/.cache/bowline-bench", import.meta.url));
/** Where the server of the tree stands that this one is held against. */
const beforeDirectory = `${buildDirectory}-before`;

const processes = ["server", "load", "hostile-server", "hostile-attacker"].map((name) => `bench/${name}.ts`);

/** Keeps a process on one core. */
const pinner = "taskset";

/** How long a measurement may take. */
const measurementMs = 120_000;

/** Where a process is put, and what it is started with. */
export interface Bench {
  readonly serverCore: number | null;
  readonly loadCore: number | null;
  /** Directory for CPU profiles of the servers. */
  readonly profiles?: string;
}

/**
 * Compiles both processes to plain JavaScript, as it is shipped: a loader that compiles on the fly would keep its own
 * thread in the server, and names each function at run time. `before`: the directory of another tree of this
 * repository, whose server is measured beside this one's.
 */
export async function buildProcesses(before?: string): Promise<void> {
  await compile(root, processes, buildDirectory);
  if (before !== undefined) await compile(resolve(before), ["bench/server.ts"], beforeDirectory);
}

async function compile(absWorkingDir: string, entryPoints: string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir,
    entryPoints,
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["bowline-source"],
    external: [
      "ws",
      "socket.io",
      "zod",
      "ioredis",
      "@socket.io/redis-adapter",
      "@socket.io/redis-streams-adapter",
    ],
    logLevel: "error",
  });
}

/** Two cores to pin to; nulls where that can't be done. */
export function findCores(): Pick<Bench, "serverCore" | "loadCore"> {
  const list = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
  const cores = list.split(",").flatMap((range) => {
    const [from = NaN, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  const [first, second] = cores;
  const canPin = spawnSync(pinner, ["--version"]).status === 0;
  if (!canPin || first === undefined || second === undefined) return { serverCore: null, loadCore: null };
  return { serverCore: first, loadCore: second };
}

/** Measures one contender once, with servers, a load generator and, in a cluster, a broker of its own. */
export function measureOnce(bench: Bench, contender: ContenderName, scenario: Scenario): Promise<Sample> {
  if (!scenario.cluster) return measureServers(bench, contender, scenario, null);
  return withBroker(bench, (broker) => measureServers(bench, contender, scenario, broker));
}

async function measureServers(
  bench: Bench,
  contender: ContenderName,
  scenario: Scenario,
  broker: BrokerService | null,
): Promise<Sample> {
  const { cluster, role, work } = scenario;
  const isBefore = contender === "bowline-before";
  const directory = isBefore ? beforeDirectory : buildDirectory;
  const args = [isBefore ? "bowline" : contender, role, String(broker?.port ?? "")];
  const count = contender === "bowline-alone" ? 1 : (cluster?.nodes ?? 1);
  const servers = Array.from({ length: count }, (_, index) => {
    const profile = `${scenario.name}-${contender}${cluster ? `-${index + 1}` : ""}`;
    const flags = ["--expose-gc", ...profilerFlags(bench, profile)];
    return start(`${directory}/server.mjs`, args, flags, bench.serverCore);
  });
  try {
    const ready = await Promise.all(servers.map((server) => receive<{ port: number }>(server, contender)));
    const serverPids = servers.map(({ pid }) => pid as number);
    return await generateLoad(bench, {
      contender,
      ports: ready.map(({ port }) => port).slice(0, cluster?.nodesWithClients),
      serverPids,
      measuredPid: broker?.pid ?? (serverPids[0] as number),
      work,
    });
  } finally {
    await Promise.all(servers.map(end));
  }
}

async function generateLoad(bench: Bench, task: LoadTask): Promise<Sample> {
  const load = start(`${buildDirectory}/load.mjs`, [JSON.stringify(task)], [], bench.loadCore);
  try {
    return await receive<Sample>(load, "the load generator");
  } finally {
    await end(load);
  }
}

/** A Redis that is new and writes nothing to the disk, beside the load generator: servers have their core to themselves. */
async function withBroker<Result>(
  { loadCore }: Bench,
  use: (broker: BrokerService) => Promise<Result>,
): Promise<Result> {
  const broker = await startRedis({ persistent: false });
  try {
    if (loadCore !== null) spawnSync(pinner, ["-a", "-c", "-p", String(loadCore), String(broker.pid)]);
    return await use(broker);
  } finally {
    await broker.stop();
  }
}

function profilerFlags({ profiles }: Bench, name: string): string[] {
  if (profiles === undefined) return [];
  // A later round replaces the profile of an earlier one.
  return ["--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}.cpuprofile`];
}

/** Starts one of the processes that were compiled. */
export function startProcess(name: string, args: string[], core: number | null): ChildProcess {
  return start(`${buildDirectory}/${name}.mjs`, args, [], core);
}

/** Keeps this process, and what it starts without a core of its own, on a core. */
export function pinSelf(core: number | null): void {
  if (core !== null) spawnSync(pinner, ["-a", "-c", "-p", String(core), String(process.pid)]);
}

function start(script: string, args: string[], flags: string[], core: number | null): ChildProcess {
  if (core === null) return fork(script, args, { execArgv: flags });
  // taskset replaces itself by node, so the child's pid is node's.
  const pinned = ["-c", String(core), process.execPath, ...flags];
  return fork(script, args, { execPath: pinner, execArgv: pinned });
}

/** The next message of a process. */
export async function receive<Message>(child: ChildProcess, name: string): Promise<Message> {
  const signal = AbortSignal.timeout(measurementMs);
  const message = once(child, "message", { signal }).then(([value]) => value as Message);
  const exit = once(child, "exit", { signal }).then(([code]): never => {
    throw new Error(`${name} ended with ${String(code)} before it was done`);
  });
  // Only the first to settle counts; the other one's end is nobody's concern.
  exit.catch(() => {});
  return Promise.race([message, exit]);
}

/** Ends a process, and waits for it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(timer);
}
