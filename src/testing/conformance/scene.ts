import { fail } from "node:assert/strict";
import type { Awaitable } from "../../base/awaitable.ts";
import { systemClock, type Undo } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { Broker, LogBound } from "../../server/broker.ts";
import { offers, type BrokerBench, type Need } from "./bench.ts";
import { Heard } from "./heard.ts";
import { withJsonData } from "./json-data.ts";

/** A node of a case: its broker, started, and what that said. */
export interface CaseNode {
  readonly id: string;
  readonly broker: Broker;
  readonly heard: Heard;
}

/** A bound that no case reaches unless it means to. */
export const ampleBound: LogBound = { count: 10_000, ageMs: 3_600_000, bytes: 100_000_000 };

/** Between two looks at what is waited for. */
const pollMs = 5;
/** How long a node gives its broker to start. */
const startMs = 60_000;
/** How long what a broker has to do, in its own time, may take. */
export const patienceMs = 8000;

/** What one case plays on: nodes over the bench's service, and names nobody else uses. */
export class Scene {
  readonly bench: BrokerBench;
  /** Drawn for each case, 10 characters: what makes the names of its rooms and sessions its own. */
  readonly run: string = `_-${systemRandom.id(8)}`;
  readonly #nodes: CaseNode[] = [];
  /** What the bench opened, by what the cases see of it. */
  readonly #inner = new Map<Broker, Broker>();
  readonly #stopped = new Set<Broker>();

  constructor(bench: BrokerBench) {
    this.bench = bench;
  }

  /** Plays one case; stops every broker it started, whatever came of it. */
  static async play(bench: BrokerBench, run: (scene: Scene) => Promise<void>): Promise<void> {
    const scene = new Scene(bench);
    try {
      await run(scene);
    } finally {
      await scene.end();
    }
  }

  /** Stops every broker that was started. */
  async end(): Promise<void> {
    for (const node of this.#nodes) await this.stop(node);
  }

  /** Makes another node, which has yet to start. */
  async open(): Promise<CaseNode> {
    const inner = await this.bench.open();
    const node: CaseNode = {
      id: systemRandom.id(12),
      broker: withJsonData(inner),
      heard: new Heard(),
    };
    this.#nodes.push(node);
    this.#inner.set(node.broker, inner);
    return node;
  }

  /** Starts another node. */
  async start(): Promise<CaseNode> {
    const node = await this.open();
    await this.within(startMs, node.broker.start(node.heard.sink, node.id), "start()");
    return node;
  }

  /** Starts two nodes; where there can be only one, it is both. */
  async pair(): Promise<readonly [CaseNode, CaseNode]> {
    const first = await this.start();
    return [first, this.offers("nodes") ? await this.start() : first];
  }

  offers(need: Need): boolean {
    return offers(this.bench, need);
  }

  async stop({ broker }: CaseNode): Promise<void> {
    if (this.#stopped.has(broker)) return;
    this.#stopped.add(broker);
    await this.within(patienceMs, broker.stop(), "stop()");
  }

  /** The node dies without a word. */
  async crash({ broker }: CaseNode): Promise<void> {
    this.#stopped.add(broker);
    await this.bench.crash?.(this.#inner.get(broker) ?? broker);
  }

  async sleep(ms: number): Promise<void> {
    if (this.bench.sleep) return this.bench.sleep(ms);
    return new Promise((resolve) => void systemClock.setTimer(ms, resolve));
  }

  /** Waits until something holds; fails, saying what it was, when it takes too long. */
  async until(
    what: string | (() => string),
    holds: () => Awaitable<boolean>,
    deadlineMs: number = patienceMs,
  ): Promise<void> {
    for (let waitedMs = 0; !(await holds()); waitedMs += pollMs) {
      if (waitedMs > deadlineMs)
        fail(`waited ${deadlineMs} ms in vain: ${typeof what === "string" ? what : what()}`);
      await this.sleep(pollMs);
    }
  }

  /** Fails when a call is neither carried out nor rejected in time. */
  async within<T>(ms: number, call: Awaitable<T>, what: string): Promise<T> {
    let cancel: Undo = () => {};
    const late = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(new Error(`${what} hangs: no answer in ${ms} ms`));
      if (this.bench.sleep) void this.bench.sleep(ms).then(giveUp);
      else cancel = systemClock.setTimer(ms, giveUp);
    });
    try {
      return await Promise.race([call, late]);
    } finally {
      cancel();
    }
  }
}
