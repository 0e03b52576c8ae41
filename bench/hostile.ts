/**
 * What one hostile connection costs its neighbour: a client publishes 100 times a second, beside a flood and without one
 * in turns, against one server with its default limits.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { contract, event, room, type Schema } from "bowline";
import { createClient } from "bowline/client";
import { WebSocket } from "ws";
import { median } from "./measure.ts";
import { buildProcesses, end, findCores, pinSelf, receive, startProcess } from "./processes.ts";

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
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** One flood, and the neighbour with and without it: medians over the rounds. */
export interface HostileRow {
  readonly kind: HostileKind;
  readonly without: Latency;
  readonly beside: Latency;
  /** The 99th percentile beside the flood as a multiple of that without, taken within each round. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  /** Publishes that were not delivered exactly once and in order. */
  readonly wrong: number;
}

/** What the ratio may be. */
export const ratioMax = 3;

const everyMs = 10;
const any: Schema<unknown> = {
  "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) },
};
const neighbourly = contract({ rooms: { ":kind/:name": room({ events: { message: event(any) } }) } });

interface Setting {
  readonly client: ReturnType<typeof createClient<typeof neighbourly>>;
  readonly port: number;
  readonly core: number | null;
  readonly rounds: number;
  readonly ms: number;
}

/** Measures every flood in `rounds` turns of `ms` without it and `ms` beside it. The server has a core of its own. */
export async function measureHostile(rounds: number, ms: number): Promise<HostileRow[]> {
  await buildProcesses();
  const { serverCore, loadCore: core } = findCores();
  const server = startProcess("hostile-server", [], serverCore);
  pinSelf(core);
  const { port } = await receive<{ port: number }>(server, "the server");
  const client = createClient(neighbourly, { url: `ws://127.0.0.1:${port}/bowline`, WebSocket });
  const rows: HostileRow[] = [];
  try {
    for (const kind of hostileKinds) rows.push(await measure(kind, { client, port, core, rounds, ms }));
    return rows;
  } finally {
    client.close();
    await end(server);
  }
}

/** The rows as a table. */
export function hostileTable(rows: readonly HostileRow[]): string {
  const ms = ({ p50, p99 }: Latency): string => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
  const lines = rows.map(({ kind, without, beside, ratio, lowest, highest, wrong }) => {
    const range = `${lowest.toFixed(1)}–${highest.toFixed(1)}`;
    const verdict = ratio <= ratioMax ? "" : " MISSED";
    return `| ${kind} | ${ms(without)} | ${ms(beside)} | ${ratio.toFixed(1)}${verdict} | ${range} | ${wrong} |`;
  });
  const head =
    "| flood of one connection | without: p50 / p99 ms | beside it: p50 / p99 ms | p99, times | range | wrong |";
  return [head, "|---|---:|---:|---:|---:|---:|", ...lines].join("\n");
}

async function measure(kind: HostileKind, setting: Setting): Promise<HostileRow> {
  const { client, port, core, rounds, ms } = setting;
  const quiet = client.join(`quiet/${kind.replaceAll(/[^a-z0-9]/gi, "-")}`);
  const heard: unknown[] = [];
  quiet.on("message", ({ payload }) => heard.push(payload));
  await quiet.joined();
  let sent = 0;
  const publishFor = async (): Promise<Latency> => {
    const times: number[] = [];
    const until = performance.now() + ms;
    const under: Promise<void>[] = [];
    while (performance.now() < until) {
      const began = performance.now();
      const stored = quiet.publish("message", (sent += 1));
      under.push(stored.then(() => void times.push(performance.now() - began)));
      await sleep(everyMs);
    }
    await Promise.all(under);
    return latencyOf(times);
  };
  const [without, beside]: [Latency[], Latency[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    without.push(await publishFor());
    const attacker = startProcess("hostile-attacker", [kind, String(port)], core);
    await receive(attacker, kind);
    beside.push(await publishFor());
    await end(attacker);
  }
  const isRight = heard.length === sent && heard.every((number, index) => number === index + 1);
  quiet.leave();
  const ratios = beside.map(({ p99 }, round) => p99 / (without[round]?.p99 ?? NaN));
  return {
    kind,
    without: medianOf(without),
    beside: medianOf(beside),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    wrong: isRight ? 0 : sent - heard.length || 1,
  };
}

function medianOf(latencies: readonly Latency[]): Latency {
  return {
    p50: median(latencies.map(({ p50 }) => p50)),
    p99: median(latencies.map(({ p99 }) => p99)),
  };
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
