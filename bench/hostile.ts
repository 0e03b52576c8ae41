/**
 * What one hostile connection costs its neighbour: a client publishes 100 times a second, beside a flood and without one
 * in turns, against one server with its default limits.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { contract, event, room, type Schema } from "bowline";
import { createClient } from "bowline/client";
import { WebSocket } from "ws";

export const hostileKinds = [
  "empty pongs",
  "pings",
  "JSON pings",
  "empty fragments",
  "unfinished messages",
  "1-byte fragments",
  "large publishes",
  "signals",
  "joins and leaves",
  "requests of 60 kB",
  "presence states of 60 kB",
  "room names",
  "requests, never reading",
  "bad frames",
  "refused upgrades",
] as const;

/** What the hostile connection does. */
export type HostileKind = (typeof hostileKinds)[number];

/** How long the neighbour's publishes took, in milliseconds. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** One flood, and the neighbour with and without it. */
export interface HostileRow {
  readonly kind: HostileKind;
  readonly without: Latency;
  readonly beside: Latency;
  /** Publishes that were not delivered exactly once and in order. */
  readonly wrong: number;
}

const everyMs = 10;
const any: Schema<unknown> = {
  "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) },
};
const neighbourly = contract({ rooms: { ":kind/:name": room({ events: { message: event(any) } }) } });

/** Measures every flood for `ms` in each of `rounds` turns. */
export async function measureHostile(rounds: number, ms: number): Promise<HostileRow[]> {
  const { child: server, port } = await startServer();
  const client = createClient(neighbourly, { url: `ws://127.0.0.1:${port}/bowline`, WebSocket });
  const rows: HostileRow[] = [];
  try {
    for (const kind of hostileKinds) rows.push(await measure(client, kind, { port, rounds, ms }));
    return rows;
  } finally {
    client.close();
    server.kill("SIGKILL");
  }
}

/** The rows as a table. */
export function hostileTable(rows: readonly HostileRow[]): string {
  const ms = ({ p50, p99 }: Latency): string => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
  const lines = rows.map(
    ({ kind, without, beside, wrong }) =>
      `| ${kind} | ${ms(without)} | ${ms(beside)} | ${(beside.p99 / without.p99).toFixed(1)} | ${wrong} |`,
  );
  const head =
    "| flood of one connection | without: p50 / p99 ms | beside it: p50 / p99 ms | p99, times | wrong |";
  return [head, "|---|---:|---:|---:|---:|", ...lines].join("\n");
}

async function startServer(): Promise<{ child: ChildProcess; port: number }> {
  const child = startProcess("./hostile-server.ts");
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { child, port };
}

function startProcess(file: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, args, { execArgv: ["--import", "tsx", "--conditions=bowline-source"] });
}

async function measure(
  client: ReturnType<typeof createClient<typeof neighbourly>>,
  kind: HostileKind,
  { port, rounds, ms }: { readonly port: number; readonly rounds: number; readonly ms: number },
): Promise<HostileRow> {
  const quiet = client.join(`quiet/${kind.replaceAll(/[^a-z0-9]/gi, "-")}`);
  const heard: unknown[] = [];
  quiet.on("message", ({ payload }) => heard.push(payload));
  await quiet.joined();
  let sent = 0;
  const publishFor = async (times: number[]): Promise<void> => {
    const until = performance.now() + ms;
    const under: Promise<void>[] = [];
    while (performance.now() < until) {
      const began = performance.now();
      const stored = quiet.publish("message", (sent += 1));
      under.push(stored.then(() => void times.push(performance.now() - began)));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await Promise.all(under);
  };
  const [without, beside]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await publishFor(without);
    const attacker = startProcess("./hostile-attacker.ts", kind, String(port));
    // It takes a while to start, and so to hurt.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await publishFor(beside);
    attacker.kill("SIGKILL");
    await once(attacker, "exit");
  }
  const isRight = heard.length === sent && heard.every((number, index) => number === index + 1);
  quiet.leave();
  return {
    kind,
    without: latencyOf(without),
    beside: latencyOf(beside),
    wrong: isRight ? 0 : sent - heard.length || 1,
  };
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
