import { readFileSync } from "node:fs";

/** The kernel's unit for process times, the same on every Linux architecture that Node runs on. */
const ticksPerSecond = 100;

/** CPU time a process has used, in seconds: user and system, all threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name before it may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** How long a process's main thread was ready to run while something else had the core, in seconds. */
export function waitedSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e9;
}

/** Memory of a process that is in RAM, in KiB. */
export function residentKib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN);
}

/** What a process used between two moments. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly waitedSeconds: number;
}

/** Starts to measure a process; the function it returns stops. */
export function measureUsage(pid: number): () => Usage {
  const cpu = cpuSeconds(pid);
  const waited = waitedSeconds(pid);
  const startMs = performance.now();
  return () => ({
    cpuSeconds: cpuSeconds(pid) - cpu,
    wallSeconds: (performance.now() - startMs) / 1000,
    waitedSeconds: waitedSeconds(pid) - waited,
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
