import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nats } from "bowline/nats";
import { redis } from "bowline/redis";
import { sqlite } from "bowline/sqlite";
import type { Broker } from "../../../src/server/broker.ts";
import { memory } from "../../../src/server/memory-broker.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { NatsServer, natsPath } from "../../support/nats-server.ts";
import { RedisServer, redisPath } from "../../support/redis-server.ts";
import { simulatedBench } from "../../support/simulated-bench.ts";
import type { ScriptBench } from "./player.ts";
import type { Abilities } from "./step.ts";

/** A broker to play scripts on. */
export interface Stage {
  readonly bench: ScriptBench;
  readonly abilities: Abilities;
  close(): Promise<void>;
}

export const stages = {
  memory: memoryStage,
  sqlite: sqliteStage,
  simulated,
  redis: redisStage,
  nats: natsStage,
} as const;

export type StageName = keyof typeof stages;

/** Whether what a broker needs is installed here. */
export function isInstalled(name: StageName): boolean {
  return (name !== "redis" || redisPath !== undefined) && (name !== "nats" || natsPath !== undefined);
}

/** Short enough for a crash to be waited for, long enough for a busy machine. */
const leaseMs = 1000;

async function memoryStage(): Promise<Stage> {
  const bench: ScriptBench = { nodes: 1, forgets: true, open: () => memory() };
  return { bench, abilities: { nodesMax: 1, canCrash: false, faults: [] }, close: async () => {} };
}

async function sqliteStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "bowline-scripts-"));
  const bench: ScriptBench = { nodes: 1, open: () => sqlite({ file: join(folder, "a.db") }) };
  const close = async (): Promise<void> => rmSync(folder, { recursive: true, force: true });
  return { bench, abilities: { nodesMax: 1, canCrash: false, faults: [] }, close };
}

async function simulated(seed: number): Promise<Stage> {
  const { stop, ...bench } = simulatedBench(seed);
  return {
    bench,
    abilities: { nodesMax: 2, canCrash: true, faults: ["kill", "wipe"] },
    close: async () => stop(),
  };
}

async function redisStage(): Promise<Stage> {
  // Without a doubt about what a power cut would take, which is said at each start.
  const args = ["--appendonly", "yes", "--appendfsync", "always"];
  const server = await RedisServer.start({ args });
  const url = (port: number): Broker => redis({ url: `redis://127.0.0.1:${port}`, leaseMs, timeoutMs: 2000 });
  const lines = new Lines(server.port, url);
  const bench: ScriptBench = {
    leaseMs,
    open: () => lines.open(),
    crash: (broker) => lines.cut(broker),
    stopService: () => server.kill(),
    startService: (how) => server.restart(how),
    freezeService: () => server.freeze(),
    thawService: () => server.thaw(),
    copyService: () => server.copyData(),
  };
  const close = async (): Promise<void> => {
    await lines.close();
    await server.stop();
  };
  return {
    bench,
    abilities: { nodesMax: 2, canCrash: true, faults: ["kill", "freeze", "wipe", "older"] },
    close,
  };
}

async function natsStage(): Promise<Stage> {
  const server = await NatsServer.start();
  const lines = new Lines(server.port, (port) => nats({ servers: `127.0.0.1:${port}`, leaseMs }));
  const bench: ScriptBench = {
    leaseMs,
    open: () => lines.open(),
    crash: (broker) => lines.cut(broker),
    stopService: () => server.kill(),
    startService: (how) => server.restart(how),
    freezeService: () => server.freeze(),
    thawService: () => server.thaw(),
  };
  const close = async (): Promise<void> => {
    await lines.close();
    await server.stop();
  };
  return { bench, abilities: { nodesMax: 2, canCrash: true, faults: ["kill", "freeze", "wipe"] }, close };
}

/** Gives each broker a line of its own to the service. */
class Lines {
  readonly #port: number;
  readonly #make: (port: number) => Broker;
  readonly #lines = new Map<Broker, FaultProxy>();

  constructor(port: number, make: (port: number) => Broker) {
    this.#port = port;
    this.#make = make;
  }

  async open(): Promise<Broker> {
    const line = new FaultProxy(this.#port);
    await line.listen();
    const broker = this.#make(line.port);
    this.#lines.set(broker, line);
    return broker;
  }

  /** Nothing comes through any more, either way. */
  cut(broker: Broker): void {
    this.#lines.get(broker)?.freeze("toServer", "toClient");
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) await line.close();
  }
}
