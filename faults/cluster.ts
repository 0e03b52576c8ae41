import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrokerName, ContenderName } from "./contenders/contender.ts";
import { Lines } from "./lines.ts";
import { ServerProcess } from "./server-process.ts";
import { startService, type BrokerService } from "./services/service.ts";

/** One server, and its own line to the broker, which can fail by itself. */
export interface ClusterNode {
  readonly server: ServerProcess;
  readonly brokerLines: Lines | null;
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

  /** One server with a broker of its own, three with one that they share. */
  static async start(contender: ContenderName, broker: BrokerName): Promise<Cluster> {
    const service = await startService(broker);
    const folder = broker === "sqlite" ? await mkdtemp(join(tmpdir(), "bowline-faults-")) : "";
    const nodes: ClusterNode[] = [];
    for (let count = service ? 3 : 1; count > 0; count -= 1) {
      const brokerLines = service && new Lines(() => service.port);
      await brokerLines?.listen();
      const server = new ServerProcess(contender, { name: broker, port: brokerLines?.port ?? 0, folder });
      await server.start();
      nodes.push({ server, brokerLines });
    }
    const cluster = new Cluster(service, nodes, folder);
    await cluster.lines.listen();
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
    await Promise.all(
      this.nodes.map(async ({ server, brokerLines }) => {
        await server.kill();
        await brokerLines?.close();
      }),
    );
    await this.service?.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  #nextPort(): number | null {
    const ports = this.nodes.filter(({ server }) => server.isUp).map(({ server }) => server.port);
    this.#turn += 1;
    return ports[this.#turn % ports.length] ?? null;
  }
}
