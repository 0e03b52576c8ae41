import { setTimeout as sleep } from "node:timers/promises";
import { Chaos } from "./chaos.ts";
import { checkHistory, type Verdict } from "./checker.ts";
import { Cluster } from "./cluster.ts";
import { contenderNamed } from "./contenders/all.ts";
import type { BrokerName, ContenderName } from "./contenders/contender.ts";
import { planFaults, type FaultKind, type Keeper } from "./plan.ts";
import { Recorder } from "./recorder.ts";
import { Workload, type WorkloadOptions } from "./workload.ts";

export interface FaultRunOptions extends WorkloadOptions {
  readonly contender: ContenderName;
  /** One server with a broker of its own, three with one that they share. */
  readonly broker: BrokerName;
  readonly seconds: number;
  /** Decides the faults and their times. */
  readonly seed: number;
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

/** How long settling may take, in milliseconds. */
const settleMsMax = 60_000;
const pollMs = 50;
const progressMs = 2000;

/** Runs a server and its clients under faults, lets them settle, and judges what everybody was told. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const { contender: name, seconds, clients, seed } = options;
  const contender = await contenderNamed(name);
  const cluster = await Cluster.start(name, options.broker);
  const { port } = cluster.lines;
  const recorder = new Recorder();
  const workload = new Workload(recorder, options);
  const chaos = new Chaos(cluster, seed);
  const stopProgress = reportProgress(options, recorder, chaos);
  try {
    await workload.join(contender, port, clients);
    workload.start();
    await Promise.all([
      sleep(seconds * 1000),
      chaos.run(planFaults(seconds, seed, keeperOf(options.broker))),
    ]);
    workload.stop();
    const startedMs = performance.now();
    const isSettled = await settle(recorder, workload, () => workload.publishLast(contender, port));
    return {
      contender: name,
      verdict: checkHistory(recorder.history),
      faults: chaos.counts,
      faultCount: chaos.count,
      settledMs: isSettled ? Math.round(performance.now() - startedMs) : null,
      unsettled: `${recorder.unsettled} publishes without an answer, ${recorder.behind} readers not at the end, ${workload.mistaken} wrong about who is present`,
    };
  } finally {
    stopProgress();
    workload.close();
    await cluster.stop();
  }
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
