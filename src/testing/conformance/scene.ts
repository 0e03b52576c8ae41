import { fail } from "node:assert/strict";
import type { Awaitable } from "../../base/awaitable.ts";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { Position } from "../../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  Broker,
  LogBound,
  LogPage,
  SessionClaim,
} from "../../server/broker.ts";
import type { BrokerBench } from "./bench.ts";
import { leaseMsOf } from "./case.ts";
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
/** How long what a broker has to do, in its own time, may take. */
export const patienceMs = 8000;

/** What one case plays on: nodes over the bench's service, and names nobody else uses. */
export class Scene {
  readonly bench: BrokerBench;
  readonly leaseMs: number;
  readonly #nodes: CaseNode[] = [];
  /** What the bench opened, by what the cases see of it. */
  readonly #inner = new Map<Broker, Broker>();
  readonly #stopped = new Set<Broker>();
  readonly #prefix = systemRandom.id(10);
  #names = 0;

  private constructor(bench: BrokerBench) {
    this.bench = bench;
    this.leaseMs = leaseMsOf(bench);
  }

  /** Plays one case; stops every broker it started, whatever came of it. */
  static async play(bench: BrokerBench, run: (scene: Scene) => Promise<void>): Promise<void> {
    const scene = new Scene(bench);
    try {
      await run(scene);
    } finally {
      for (const node of scene.#nodes) await scene.stop(node);
    }
  }

  /** Starts another node. */
  async start(): Promise<CaseNode> {
    const inner = await this.bench.open();
    const node: CaseNode = {
      id: systemRandom.id(12),
      broker: withJsonData(inner),
      heard: new Heard(),
    };
    await node.broker.start(node.heard.sink, node.id);
    this.#nodes.push(node);
    this.#inner.set(node.broker, inner);
    return node;
  }

  /** Starts two nodes; where there can be only one, it is both. */
  async pair(): Promise<readonly [CaseNode, CaseNode]> {
    const first = await this.start();
    return [first, this.bench.nodes === 1 ? first : await this.start()];
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

  /** A room nobody has used. */
  room(label = "room"): string {
    this.#names += 1;
    return `${label}/${this.#prefix}${this.#names}`;
  }

  /** A session nobody has used, at its first connection. */
  claim(user = "ada"): SessionClaim {
    this.#names += 1;
    return {
      session: `${this.#prefix}_-${this.#names}`,
      user,
      generation: 1,
    };
  }

  /** Opens a session nobody has used; gives its id. */
  async session({ broker }: CaseNode): Promise<string> {
    const claim = this.claim();
    const { outcome } = await broker.openSession(claim);
    if (outcome !== "opened") fail(`a new session was ${outcome}`);
    return claim.session;
  }

  async sleep(ms: number): Promise<void> {
    if (this.bench.sleep) return this.bench.sleep(ms);
    return new Promise((resolve) => void systemClock.setTimer(ms, resolve));
  }

  /** Waits until something holds; fails, saying what it was, when it takes too long. */
  async until(what: string, holds: () => Awaitable<boolean>, deadlineMs: number = patienceMs): Promise<void> {
    for (let waitedMs = 0; !(await holds()); waitedMs += pollMs) {
      if (waitedMs > deadlineMs) fail(`waited ${deadlineMs} ms in vain: ${what}`);
      await this.sleep(pollMs);
    }
  }

  /** Fails when a call is neither carried out nor rejected in time. */
  async within<T>(ms: number, call: Awaitable<T>, what: string): Promise<T> {
    let isOver = false;
    const late = this.sleep(ms).then(() =>
      isOver ? undefined : fail(`${what} hangs: no answer in ${ms} ms`),
    );
    try {
      return (await Promise.race([call, late])) as T;
    } finally {
      isOver = true;
    }
  }
}

/** Appends what can't fail to be stored; gives its position. */
export async function store(
  { broker }: CaseNode,
  room: string,
  data: string,
  more: Partial<AppendRequest> = {},
): Promise<Position> {
  return storedAt(await broker.append({ room, data, bound: ampleBound, ...more }));
}

/** Reads a page; what a broker may say beyond the contract is left out. */
export async function read(
  { broker }: CaseNode,
  room: string,
  after: number,
  limit: number,
): Promise<LogPage> {
  const { epoch, base, head, entries } = await broker.read(room, after, limit);
  return { epoch, base, head, entries: entries.map(({ offset, data }) => ({ offset, data })) };
}

/** The position of what was stored. */
export function storedAt(result: AppendResult): Position {
  if (result.outcome !== "stored") fail(`an append was to be stored, and its outcome is ${result.outcome}`);
  return result.position;
}

/** The numbers from 1 to `last`. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** Texts of entries: `label` and a number from 1 to `count`. */
export function texts(label: string, count: number): string[] {
  return upTo(count).map((number) => `${label} ${number}`);
}
