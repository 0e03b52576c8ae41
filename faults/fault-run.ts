import { setTimeout as sleep } from "node:timers/promises";
import { Chaos } from "./chaos.ts";
import { checkHistory, type Verdict } from "./checker.ts";
import { Cluster, serverCount } from "./cluster.ts";
import { contenderNamed } from "./contenders/all.ts";
import type { BrokerName, ContenderName, Participate } from "./contenders/contender.ts";
import { foreignClients } from "./contenders/foreign-client.ts";
import { planFaults, type FaultKind, type Keeper } from "./plan.ts";
import { Recorder } from "./recorder.ts";
import { Workload, type WorkloadOptions } from "./workload.ts";

/** Processes of another language, or another build. */
export interface Foreign {
  /** For the shell. docs/guarantees.md says what it has to do. */
  readonly command: string;
  /** How many there are. */
  readonly count: number;
}

export interface FaultRunOptions extends WorkloadOptions {
  readonly contender: ContenderName;
  /** One server with a broker of its own, three with one that they share. */
  readonly broker: BrokerName;
  readonly seconds: number;
  /** Decides the faults and their times. */
  readonly seed: number;
  /** Servers in the place of some of the contender's own. */
  readonly foreignServers?: Foreign;
  /** Clients in the place of some of the contender's own. */
  readonly foreignClients?: Foreign;
  /** How long a process may take to start, in milliseconds. Default 40,000. */
  readonly startMs?: number;
  /** Told now and then how it goes. */
  readonly onProgress?: (line: string) => void;
}

export interface FaultRunResult {
  readonly contender: ContenderName;
  readonly verdict: Verdict;
  /** How often each fault was carried out. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly faultCount: number;
  /** How long it took until all was settled, in milliseconds; null if it was not within the time. */
  readonly settledMs: number | null;
  /** What was not settled. */
  readonly unsettled: string;
}

const startMsDefault = 40_000;
/** How long settling may take, in milliseconds. */
const settleMsMax = 60_000;
const pollMs = 50;
const progressMs = 2000;

/** Runs servers and clients under faults, lets them settle, and judges what everybody was told. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const { contender: name, broker, startMs = startMsDefault } = options;
  const contender = await contenderNamed(name);
  const commands = mix(serverCount(broker), contender.serverCommand, options.foreignServers, (it) => it);
  const cluster = await Cluster.start({ broker, commands, startMs });
  const recorder = new Recorder();
  const workload = new Workload(recorder, options);
  const chaos = new Chaos(cluster, options.seed);
  const stopProgress = reportProgress(options, recorder, chaos);
  try {
    return await new Promise((resolve, reject) => {
      const foreign = (command: string): Participate =>
        foreignClients({ command, startMs, onFailure: reject });
      const ways = mix(options.clients, contender.participate, options.foreignClients, foreign);
      play({ options, cluster, recorder, workload, chaos, ways, own: contender.participate }).then(
        resolve,
        reject,
      );
    });
  } finally {
    stopProgress();
    chaos.stop();
    workload.close();
    await cluster.stop();
  }
}

interface Play {
  readonly options: FaultRunOptions;
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  readonly workload: Workload;
  readonly chaos: Chaos;
  /** How each client takes part. */
  readonly ways: readonly Participate[];
  /** How the contender's own do. */
  readonly own: Participate;
}

async function play({
  options,
  cluster,
  recorder,
  workload,
  chaos,
  ways,
  own,
}: Play): Promise<FaultRunResult> {
  const { contender, seconds, seed, broker } = options;
  const { port } = cluster.lines;
  await workload.join(ways, port);
  workload.start();
  await Promise.all([sleep(seconds * 1000), chaos.run(planFaults(seconds, seed, keeperOf(broker)))]);
  workload.stop();
  const startedMs = performance.now();
  const isSettled = await settle(recorder, workload, () => workload.publishLast(own, port));
  return {
    contender,
    verdict: checkHistory(recorder.history),
    faults: chaos.counts,
    faultCount: chaos.count,
    settledMs: isSettled ? Math.round(performance.now() - startedMs) : null,
    unsettled: `${recorder.unsettled} publishes without an answer, ${recorder.behind} readers not at the end, ${workload.mistaken} wrong about who is present`,
  };
}

/** So many, of which the foreign ones are spread evenly among the own ones. */
function mix<Thing>(
  count: number,
  own: Thing,
  foreign: Foreign | undefined,
  make: (command: string) => Thing,
): Thing[] {
  if (!foreign) return Array.from({ length: count }, () => own);
  const other = make(foreign.command);
  const upTo = (index: number): number => Math.floor((index * foreign.count) / count);
  return Array.from({ length: count }, (_, index) => (upTo(index + 1) > upTo(index) ? other : own));
}

/**
 * Resolves with whether, in time, every publish had an answer, every reader reached the end of its rooms, and everybody
 * agreed about who is present.
 */
async function settle(
  recorder: Recorder,
  workload: Workload,
  publishLast: () => Promise<void>,
): Promise<boolean> {
  const endMs = performance.now() + settleMsMax;
  const until = async (isDone: () => boolean): Promise<boolean> => {
    while (!isDone()) {
      if (performance.now() > endMs) return false;
      await sleep(pollMs);
    }
    return true;
  };
  if (!(await until(() => recorder.unsettled === 0))) return false;
  let isPublished = false;
  const published = publishLast().then(() => (isPublished = true));
  if (!(await until(() => isPublished))) return false;
  await published;
  return until(() => recorder.unsettled === 0 && recorder.behind === 0 && workload.mistaken === 0);
}

function reportProgress(
  { contender, onProgress }: FaultRunOptions,
  recorder: Recorder,
  chaos: Chaos,
): () => void {
  if (!onProgress) return () => {};
  const startedMs = performance.now();
  const timer = setInterval(() => {
    const { sent, unsettled, delivered } = recorder;
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    onProgress(
      `${contender} ${seconds} s: ${sent} sent, ${unsettled} waiting, ${delivered} delivered, ${chaos.count} faults`,
    );
  }, progressMs);
  return () => clearInterval(timer);
}

function keeperOf(broker: BrokerName): Keeper {
  if (broker === "memory") return "memory";
  return broker === "sqlite" ? "file" : "service";
}
