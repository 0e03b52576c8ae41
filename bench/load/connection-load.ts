import { setTimeout as sleep } from "node:timers/promises";
import { measureUsage, residentKib } from "../measure.ts";
import { onlyRoom, openConnections, type Side } from "./connection.ts";
import type { LoadTask, Sample } from "./task.ts";
import { wires } from "./wire.ts";

const openedAtOnce = 50;

/** What each further connection, joined and silent, adds to the memory of the server. */
export async function idleMemory(
  task: LoadTask & { readonly work: { readonly kind: "idle-memory" } },
): Promise<Sample> {
  const { before, connections, settleMs } = task.work;
  const failures: string[] = [];
  const side = makeSide(task, failures);
  // The first ones pay for code and heap that the others share.
  await openConnections(side, before, openedAtOnce);
  const kibBefore = await residentAfterCollection(task.measuredPid, settleMs);
  await openConnections(side, connections, openedAtOnce);
  const kib = await residentAfterCollection(task.measuredPid, settleMs);
  return { figure: (kib - kibBefore) / connections, count: connections, usage: null, failures };
}

/** What it costs to let a connection in, up to the answer that it has joined. */
export async function connectionStorm(
  task: LoadTask & { readonly work: { readonly kind: "connection-storm" } },
): Promise<Sample> {
  const { warmUp, connections, atOnce } = task.work;
  const failures: string[] = [];
  const side = makeSide(task, failures);
  for (const connection of await openConnections(side, warmUp, atOnce)) connection.cut();
  await sleep(500);
  const stop = measureUsage(task.measuredPid);
  await openConnections(side, connections, atOnce);
  const usage = stop();
  return { figure: (usage.cpuSeconds / connections) * 1e6, count: connections, usage, failures };
}

function makeSide({ ports: [port = NaN], contender }: LoadTask, failures: string[]): Side {
  return {
    wire: wires[contender],
    placeOf: () => ({ port, room: onlyRoom }),
    onPayload: () => failures.push("a message that nobody sent"),
    onFailure: (what) => failures.push(what),
  };
}

async function residentAfterCollection(pid: number, settleMs: number): Promise<number> {
  // Twice: what the first collection finalizes, the second one frees.
  for (let round = 0; round < 2; round++) {
    await sleep(settleMs / 2);
    process.kill(pid, "SIGUSR2");
  }
  await sleep(settleMs / 2);
  return residentKib(pid);
}
