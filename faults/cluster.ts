import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../src/conformance/case.ts";
import { heartbeatMs, type BrokerName } from "./contenders/contender.ts";
import { Lines } from "./lines.ts";
import { ServerProcess } from "./server-process.ts";
import { startService, type BrokerService } from "./services/service.ts";

/** One server, and its own line to the broker, which can fail by itself. */
export interface ClusterNode {
  readonly server: ServerProcess;
  readonly brokerLines: Lines | null;
}

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly broker: BrokerName;
  /** What starts each server: as many as {@link serverCount} says. */
  readonly commands: readonly string[];
  /** How long a server may take to tell its port. */
  readonly startMs: number;
}

/** How long a node that is gone keeps its members. Short, because a run is. */
const leaseMs = 3000;
const presenceGraceMs = 2000;
/** Data that all servers share. */
const prefix = "bowline";

/** How many servers there are over a broker: one with a broker of its own, three with one that they share. */
export function serverCount(broker: BrokerName): number {
  return broker === "redis" || broker === "nats" ? 3 : 1;
}

/** The servers under test with the service that they share, and a balancer in front of them. */
export class Cluster {
  readonly service: BrokerService | null;
  readonly nodes: readonly ClusterNode[];
  /** What clients connect to: each new line goes to the next server that listens. */
  readonly lines: Lines;
  /** What the server's own broker keeps; empty where there is none. */
  readonly #folder: string;
  #turn = 0;

  private constructor(service: BrokerService | null, nodes: readonly ClusterNode[], folder: string) {
    this.service = service;
    this.#folder = folder;
    this.nodes = nodes;
    this.lines = new Lines(() => this.#nextPort());
  }

  /** Starts the service and the servers. Rejects with what a server did that did not start, and leaves nothing behind. */
  static async start({ broker, commands, startMs }: ClusterOptions): Promise<Cluster> {
    const service = await startService(broker);
    const folder = broker === "sqlite" ? await mkdtemp(join(tmpdir(), "bowline-faults-")) : "";
    const nodes: ClusterNode[] = [];
    const cluster = new Cluster(service, nodes, folder);
    await cluster.lines.listen();
    try {
      for (const command of commands) {
        const brokerLines = service && new Lines(() => service.port);
        await brokerLines?.listen();
        const config = {
          broker: addressOf(broker, brokerLines?.port ?? 0, folder),
          authenticate: false,
          heartbeatMs,
          presenceGraceMs,
          leaseMs,
        };
        const server = new ServerProcess({ command, config, startMs });
        nodes.push({ server, brokerLines });
        await server.start();
      }
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Drains and starts one server after the other, as a deployment does. */
  async roll(): Promise<void> {
    for (const { server } of this.nodes) {
      if (!server.isUp) continue;
      await server.drain();
      await server.start();
    }
  }

  async stop(): Promise<void> {
    await this.lines.close();
    const stops = this.nodes.map(async ({ server, brokerLines }) => {
      try {
        await server.stop();
      } finally {
        await brokerLines?.close();
      }
    });
    try {
      // Each of them, whatever became of the others: a run that fails must not leave processes behind.
      await Promise.allSettled(stops);
      await Promise.all(stops);
    } finally {
      await this.service?.stop();
      if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
    }
  }

  #nextPort(): number | null {
    const ports = this.nodes.filter(({ server }) => server.isUp).map(({ server }) => server.port);
    this.#turn += 1;
    return ports[this.#turn % ports.length] ?? null;
  }
}

/** Where a server finds its broker, as its config says it. */
function addressOf(broker: BrokerName, port: number, folder: string): JsonObject | "memory" {
  switch (broker) {
    case "redis":
      return { redis: `redis://127.0.0.1:${port}`, prefix };
    case "nats":
      return { nats: `nats://127.0.0.1:${port}`, prefix };
    case "sqlite":
      return { sqlite: join(folder, "bowline.db") };
    case "memory":
      return "memory";
  }
}
