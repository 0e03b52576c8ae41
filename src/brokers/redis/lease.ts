import { systemClock, type Undo } from "../../base/clock.ts";
import { scripts } from "./generated-scripts.ts";
import type { Keys } from "./keys.ts";
import { roomTtlMs } from "./log.ts";
import type { Topology } from "./topology.ts";

/** What a {@link Lease} needs of the broker. */
export interface LeaseContext {
  readonly topology: Topology;
  readonly keys: Keys;
  readonly node: string;
  readonly leaseMs: number;
  /** The members of this node are from now on there under this name. */
  take(owner: string): Promise<void>;
  /** The members under this name are to be taken away. */
  evict(owner: string): Promise<void>;
  /** Members that are not there any more are to be entered again. */
  mend(): Promise<void>;
  /** At each sign of life. */
  beat(): void;
}

/**
 * A node's sign of life. The members of a node that gives none are taken away by the others. A lease that was lost is
 * over for good, for somebody may be at that: the node takes a new one, under a new name, and enters its members again.
 * So it does when members may have been lost: what is left under the old name, and is not so any more, goes with that.
 */
export class Lease {
  readonly #context: LeaseContext;
  #term = 0;
  /** How often members may have been lost, and how often they had been when all were entered last. */
  #losses = 0;
  #entered = -1;
  #beating = false;
  #stopped = false;
  #stopTimer: Undo | null = null;

  constructor(context: LeaseContext) {
    this.#context = context;
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#beatLater();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer?.();
    // Those that ran out are its to end too, for it may be the last.
    const [, expired] = await this.#prolong(false);
    for (const owner of [this.#owner, ...expired]) await this.#end(owner);
  }

  /** The nodes whose lease has not run out. */
  async nodes(): Promise<readonly string[]> {
    const { topology, keys } = this.#context;
    const owners = (await topology.shardOf(keys.leases).run(scripts.owners, [keys.leases], [])) as string[];
    return [...new Set(owners.map(nodeOf))];
  }

  /** Gives a sign of life now; nothing in Redis may be taken for granted. */
  async renew(): Promise<void> {
    if (this.#beating || this.#stopped) return;
    this.#beating = true;
    try {
      do await this.#beat();
      while (this.#entered !== this.#losses && !this.#stopped);
    } finally {
      this.#beating = false;
    }
  }

  /** Members may have been lost, and some that had gone may be back: all are entered anew, under a new name. */
  async retake(): Promise<void> {
    this.#losses += 1;
    await this.renew();
  }

  get #owner(): string {
    return `${this.#context.node}/${this.#term}`;
  }

  #beatLater(): void {
    if (this.#stopped) return;
    this.#stopTimer = systemClock.setTimer(this.#context.leaseMs / 3, () => {
      this.#context.beat();
      this.renew().then(
        () => this.#beatLater(),
        () => this.#beatLater(),
      );
    });
  }

  async #beat(): Promise<void> {
    const [isHeld, expired] = await this.#prolong(false);
    if (this.#stopped) return;
    if (!isHeld || this.#entered !== this.#losses) await this.#begin();
    else await this.#context.mend();
    for (const owner of expired) await this.#end(owner);
  }

  async #begin(): Promise<void> {
    const losses = this.#losses;
    this.#entered = -1;
    this.#term += 1;
    await this.#prolong(true);
    await this.#context.take(this.#owner);
    this.#entered = losses;
  }

  async #prolong(begins: boolean): Promise<[held: boolean, expired: readonly string[]]> {
    const { topology, keys, leaseMs } = this.#context;
    const args = [this.#owner, leaseMs, 2 * roomTtlMs, begins ? "1" : "0"];
    const reply = await topology.shardOf(keys.leases).run(scripts.lease, [keys.leases], args);
    const [held, expired] = reply as [number, string[]];
    return [held === 1, expired];
  }

  /** Several nodes may be at it: each member goes once. The name goes last, so that one who dies at it is followed. */
  async #end(owner: string): Promise<void> {
    const { topology, keys } = this.#context;
    await this.#context.evict(owner);
    await topology.shardOf(keys.leases).command("ZREM", keys.leases, owner);
    const node = nodeOf(owner);
    if (!(await this.nodes()).includes(node)) await topology.forgetNode(node);
  }
}

/** Of "<node>/<term>". */
function nodeOf(owner: string): string {
  return owner.slice(0, owner.lastIndexOf("/"));
}
