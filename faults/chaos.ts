import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import type { Direction, Line, Lines } from "./lines.ts";
import { seededChance, type Fault, type FaultKind } from "./plan.ts";

const bothDirections: readonly Direction[] = ["toServer", "toClient"];

const frozen: Partial<Record<FaultKind, readonly Direction[]>> = {
  "half-open": bothDirections,
  "half-open to server": ["toServer"],
  "half-open to client": ["toClient"],
  stall: ["toClient"],
};

/** Carries out a plan; resolves when all its faults are over and everything works again. */
export class Chaos {
  /** How often each fault was carried out. */
  readonly counts = new Map<FaultKind, number>();
  readonly #cluster: Cluster;
  readonly #chance: () => number;
  readonly #end = new AbortController();

  constructor(cluster: Cluster, seed: number) {
    this.#cluster = cluster;
    // Every fault of a plan waits at the same time.
    setMaxListeners(0, this.#end.signal);
    this.#chance = seededChance(seed);
  }

  get count(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async run(plan: readonly Fault[]): Promise<void> {
    const startedMs = performance.now();
    await Promise.all(
      plan.map(async (fault) => {
        await this.#sleep(Math.max(0, startedMs + fault.atMs - performance.now()));
        this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
        await this.#carryOut(fault);
      }),
    );
  }

  /** Begins no fault any more, and ends none: whatever they have hit is taken away. */
  stop(): void {
    this.#end.abort();
  }

  #sleep(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#end.signal });
  }

  async #carryOut(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "kill":
        return this.#pickNode().server.restart(fault.forMs);
      case "freeze":
        return this.#freezeServer(fault);
      case "roll":
        return this.#cluster.roll();
      case "broker kill":
      case "broker wipe":
        return this.#restartService(fault);
      case "broker freeze":
        return this.#freezeService(fault);
      case "broker cut":
        return this.#cutFromService(fault);
      default:
        return this.#harmLines(fault);
    }
  }

  async #freezeServer({ forMs }: Fault): Promise<void> {
    const { server } = this.#pickNode();
    server.freeze();
    await this.#sleep(forMs);
    server.thaw();
  }

  async #restartService({ kind, forMs }: Fault): Promise<void> {
    const { service } = this.#cluster;
    await service?.kill();
    await this.#sleep(forMs);
    await service?.start({ keepData: kind === "broker kill" });
  }

  async #freezeService({ forMs }: Fault): Promise<void> {
    const { service } = this.#cluster;
    service?.freeze();
    await this.#sleep(forMs);
    service?.thaw();
  }

  /** One node's lines to the service go dead, and then break. */
  async #cutFromService({ forMs }: Fault): Promise<void> {
    const { brokerLines } = this.#pickNode();
    if (!brokerLines) return;
    const admit = brokerLines.refuse();
    const lines = brokerLines.all;
    for (const line of lines) for (const direction of bothDirections) line.freeze(direction);
    await this.#sleep(forMs);
    for (const line of lines) line.cut();
    admit();
  }

  async #harmLines(fault: Fault): Promise<void> {
    const lines = this.#pick(fault.share);
    const directions = frozen[fault.kind];
    if (directions) return this.#freeze(lines, directions, fault);
    const admit = fault.kind === "refuse" ? this.#lines.refuse() : () => {};
    for (const line of lines) line.cut();
    await this.#sleep(fault.forMs);
    admit();
  }

  async #freeze(lines: readonly Line[], directions: readonly Direction[], fault: Fault): Promise<void> {
    for (const line of lines) directions.forEach((direction) => line.freeze(direction));
    await this.#sleep(fault.forMs);
    for (const line of lines) {
      if (fault.heals) directions.forEach((direction) => line.thaw(direction));
      else line.cut();
    }
  }

  get #lines(): Lines {
    return this.#cluster.lines;
  }

  #pickNode(): Cluster["nodes"][number] {
    const { nodes } = this.#cluster;
    const up = nodes.filter(({ server }) => server.isUp);
    const from = up.length > 0 ? up : nodes;
    return from[Math.floor(this.#chance() * from.length)] as Cluster["nodes"][number];
  }

  #pick(share: number): Line[] {
    return this.#lines.all.filter(() => this.#chance() < share);
  }
}
