import { setTimeout as sleep } from "node:timers/promises";
import type { Direction, Line, Lines } from "./lines.ts";
import { seededChance, type Fault, type FaultKind } from "./plan.ts";
import type { ServerProcess } from "./server-process.ts";

const frozen: Partial<Record<FaultKind, readonly Direction[]>> = {
  "half-open": ["toServer", "toClient"],
  "half-open to server": ["toServer"],
  "half-open to client": ["toClient"],
  stall: ["toClient"],
};

/** Carries out a plan; resolves when all its faults are over and everything works again. */
export class Chaos {
  /** How often each fault was carried out. */
  readonly counts = new Map<FaultKind, number>();
  readonly #lines: Lines;
  readonly #server: ServerProcess;
  readonly #chance: () => number;

  constructor(lines: Lines, server: ServerProcess, seed: number) {
    this.#lines = lines;
    this.#server = server;
    this.#chance = seededChance(seed);
  }

  get count(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async run(plan: readonly Fault[]): Promise<void> {
    const startedMs = performance.now();
    await Promise.all(
      plan.map(async (fault) => {
        await sleep(Math.max(0, startedMs + fault.atMs - performance.now()));
        this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
        await this.#carryOut(fault);
      }),
    );
  }

  async #carryOut(fault: Fault): Promise<void> {
    if (fault.kind === "kill") return this.#server.restart(fault.forMs);
    const lines = this.#pick(fault.share);
    const directions = frozen[fault.kind];
    if (directions) return this.#freeze(lines, directions, fault);
    const admit = fault.kind === "refuse" ? this.#lines.refuse() : () => {};
    for (const line of lines) line.cut();
    await sleep(fault.forMs);
    admit();
  }

  async #freeze(lines: readonly Line[], directions: readonly Direction[], fault: Fault): Promise<void> {
    for (const line of lines) directions.forEach((direction) => line.freeze(direction));
    await sleep(fault.forMs);
    for (const line of lines) {
      if (fault.heals) directions.forEach((direction) => line.thaw(direction));
      else line.cut();
    }
  }

  #pick(share: number): Line[] {
    return this.#lines.all.filter(() => this.#chance() < share);
  }
}
