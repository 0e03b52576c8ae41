import type { Contract } from "../contract/contract.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

/** What can be done to the shared broker, and to a node's way to it. */
export type BrokerFaultName =
  | "broker-down"
  | "broker-deaf"
  | "wipe"
  | "lose-part"
  | "lose-end"
  | "power-cut"
  | "restart-all";

/** What {@link BrokerFaults} needs of its storm. */
export interface BrokerFaultsContext<C extends Contract> {
  readonly world: World<C>;
  readonly random: SeededRandom;
  /** A node that is up. */
  readonly node: () => SimNode<C> | null;
  /** Does something after a while, also when the storm is over. */
  readonly later: (task: () => void) => void;
  readonly isOver: () => boolean;
  readonly note: (text: string) => void;
}

/** Harm to what nodes share. Does nothing where they have brokers of their own. */
export class BrokerFaults<C extends Contract> {
  readonly #context: BrokerFaultsContext<C>;

  constructor(context: BrokerFaultsContext<C>) {
    this.#context = context;
  }

  readonly actions: Readonly<Record<BrokerFaultName, () => void>> = {
    "broker-down": () => this.#down(),
    "broker-deaf": () => {
      const { node, note, later } = this.#context;
      const shared = node()?.shared;
      if (!shared) return;
      note("the broker's live messages are lost");
      shared.deafen();
      later(() => shared.hear());
    },
    wipe: () => {
      const { world, note } = this.#context;
      if (!world.store) return;
      note("the broker loses its data");
      world.store.wipe();
    },
    "lose-part": () => {
      const { world, random, note } = this.#context;
      note("the broker loses a part of its data");
      world.store?.losePart(random);
    },
    "lose-end": () => this.#loseEnd(() => {}),
    "power-cut": () =>
      this.#loseEnd(() => {
        for (const node of this.#context.world.nodes) node.crash({ seen: this.#context.random.chance(0.6) });
        this.#startAll();
      }),
    "restart-all": () => this.#restartAll(),
  };

  #down(): void {
    const { node, random, note, later } = this.#context;
    const shared = node()?.shared;
    if (!shared) return;
    const how = random.pick(["reject", "hang", "mute"] as const);
    note(`a node's calls to the broker ${how}`);
    shared.breakDown(how);
    later(() => shared.restore());
  }

  /** From now on nothing of the store gets to its disk; after a while it dies, and starts from what is there. */
  #loseEnd(meanwhile: () => void): void {
    const { world, note, later, isOver } = this.#context;
    const { store } = world;
    // What was saved while no node ran can't be told from what is whole: docs/guarantees.md says so.
    if (!store?.isUsed) return;
    const saved = store.save();
    const fromMs = world.nowMs;
    later(() => {
      if (isOver()) return;
      note(`the broker restarts without its last ${Math.round(world.nowMs - fromMs)} ms`);
      meanwhile();
      store.restart(saved);
    });
  }

  /** Every node shuts down in order, then the store does, and all of them come back with nothing missing. */
  #restartAll(): void {
    const { world, note, isOver } = this.#context;
    const { store, nodes } = world;
    if (!store) return;
    note("everything is shut down, and started again");
    void Promise.all(nodes.map((node) => node.drain({ spreadMs: 0, deadlineMs: 3000 }))).then(() => {
      if (isOver()) return;
      store.restart(store.save());
      this.#startAll();
    });
  }

  #startAll(): void {
    const { world, later } = this.#context;
    for (const node of world.nodes) later(() => node.start());
  }
}
