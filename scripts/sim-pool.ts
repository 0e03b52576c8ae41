/** Runs seeds in as many processes as the machine has cores, each seed in one. */
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import type { SwarmOptions, Violation } from "../src/testing/index.ts";

/** What came of one seed. */
export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly violations: readonly Violation[];
}

/** One seed to run, as a process of the pool is told. */
export interface SeedJob {
  readonly seed: number;
  readonly options: SwarmOptions;
}

export const processCount: number = availableParallelism();

/** Runs seeds from `from` on, and hands each result over as it comes: not in order. Rejects when a process dies. */
export async function runPool(
  from: number,
  count: number,
  options: SwarmOptions,
  receive: (result: SeedResult) => void,
): Promise<void> {
  let next = from;
  const takeJob = (): SeedJob | null => (next < from + count ? { seed: next++, options } : null);
  await Promise.all(Array.from({ length: Math.min(processCount, count) }, () => work(takeJob, receive)));
}

function work(takeJob: () => SeedJob | null, receive: (result: SeedResult) => void): Promise<void> {
  const child: ChildProcess = fork(new URL("sim-process.ts", import.meta.url));
  return new Promise<void>((resolve, reject) => {
    const give = (): void => {
      const job = takeJob();
      if (job) child.send(job);
      else child.disconnect();
    };
    child.on("message", (result: SeedResult) => {
      receive(result);
      give();
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a process of the simulator ended with ${signal ?? code}`));
    });
    give();
  });
}
