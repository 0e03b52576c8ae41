import type { Contract } from "../contract/contract.ts";
import type { UserLike } from "../server/connection.ts";
import { checkAll, type CheckOptions } from "./checkers/all.ts";
import { checkSettled, type SettledRules } from "./checkers/settled.ts";
import type { Violation } from "./checkers/violation.ts";
import { Device, type DeviceOptions } from "./device.ts";
import { takeEndState, type EndState } from "./end-state.ts";
import { Fence } from "./fence.ts";
import { History } from "./history.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { Patience } from "./patience.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SharedStore } from "./shared-store.ts";
import { SimNode, type ServerFactory, type SimNodeContext } from "./sim-node.ts";
import { Timeline } from "./timeline.ts";
import type { Wraps } from "./wraps.ts";

/** How often {@link World.until} looks whether its promise has settled, in virtual time. */
const untilStepMs = 1;

/** Options of a {@link World}. */
export interface WorldOptions<C extends Contract> {
  /** Decides everything that is left to chance. */
  readonly seed: number;
  readonly contract: C;
  /** Makes a node's server. */
  readonly server: ServerFactory<C, UserLike>;
  /** Default 1. */
  readonly nodes?: number;
  /**
   * `"memory"`: the memory broker, which ends with its node; for one node. `"shared"`: a simulated broker that all nodes
   * share, and that outlives them. Default: memory with one node, shared with more.
   */
  readonly broker?: "memory" | "shared";
  /** The shortest and the longest way of a frame. Default 1 to 50 ms. */
  readonly latencyMs?: readonly [number, number];
  /** The same for calls of the shared broker. Default 0.2 to 5 ms. */
  readonly brokerLatencyMs?: readonly [number, number];
  /** Share of the shared broker's live messages that come twice. Default 0. */
  readonly brokerRepeats?: number;
  /** How long the broker remembers a session that nobody uses. Default 1 hour. */
  readonly sessionTtlMs?: number;
  /** How long the members of a dead node stay present in the shared broker. Default 10,000 ms. */
  readonly leaseMs?: number;
  /** Above how many waiting bytes a socket says when it has drained. Default 65,536. */
  readonly drainBytes?: number;
  /** Share of new lines that break after a few frames to the client. Default 0. */
  readonly tornShare?: number;
  /** Records every frame, for a readable timeline. Default false. */
  readonly trace?: boolean;
  /** What is put around the seams. */
  readonly wraps?: Wraps;
}

/**
 * A whole system in one process: nodes with your handlers, devices with clients, a broker and the network between
 * them, on a virtual clock, everything decided by one seed. Time passes only in {@link World.run}, {@link World.until} and
 * {@link World.settle}.
 *
 * @example
 * const world = World.start({ seed: 1, contract: chat, nodes: 2, server: (seams) => chatServer(seams) });
 * const ada = world.device("ada");
 * ada.client.join("chat/lobby").publish("message", { text: "hi" });
 * await world.run(1000);
 */
export class World<C extends Contract = Contract> {
  readonly seed: number;
  readonly contract: C;
  readonly random: SeededRandom;
  readonly timeline: Timeline;
  readonly history: History;
  readonly network: Network;
  readonly nodes: readonly SimNode<C>[];
  readonly devices: Device<C>[] = [];
  /** The shared broker's state; null with memory brokers. */
  readonly store: SharedStore | null;
  readonly #wraps: Wraps;
  readonly #sleepers = new Set<{ wake(): void }>();

  /** Makes a world and starts its nodes. Throws a `TypeError` when several nodes are to share a memory broker. */
  static start<C extends Contract>(options: WorldOptions<C>): World<C> {
    const world = new World(options);
    for (const node of world.nodes) node.start();
    return world;
  }

  private constructor(options: WorldOptions<C>) {
    const { seed, contract, nodes = 1, broker = nodes > 1 ? "shared" : "memory", wraps = {} } = options;
    if (nodes > 1 && broker === "memory") throw new TypeError("a memory broker serves one node, not several");
    this.seed = seed;
    this.contract = contract;
    this.#wraps = wraps;
    this.random = new SeededRandom(seed);
    const timeline = new Timeline();
    this.timeline = timeline;
    this.history = new History(() => timeline.nowMs);
    const { sessionTtlMs = 3_600_000 } = options;
    const { random, history } = this;
    const stored = { sessionTtlMs, vouches: wraps.vouches };
    this.store =
      broker === "shared" ? new SharedStore(timeline, random.fork("store"), history, stored) : null;
    const hosts = (): readonly SimNode<C>[] => this.nodes;
    this.network = new Network(networkOptions(options), random.fork("network"), history, hosts);
    const context = { ...this.#nodeContext(options), wraps, sessionTtlMs };
    this.nodes = Array.from({ length: nodes }, (_, index) => new SimNode(context, `node-${index + 1}`));
  }

  get nowMs(): number {
    return this.timeline.nowMs;
  }

  /** Adds a device and starts its client. Names are unique. */
  device(name: string, options: DeviceOptions = {}): Device<C> {
    if (this.devices.some((device) => device.name === name))
      throw new TypeError(`there is a device "${name}"`);
    const { contract, timeline, history, network, random } = this;
    const context = { contract, timeline, history, network, random, wraps: this.#wraps };
    const device = new Device<C>(context, name, options);
    this.devices.push(device);
    return device;
  }

  /** Lets virtual time pass, and everything happen that happens in it. */
  run(ms: number): Promise<void> {
    return this.timeline.run(this.timeline.nowMs + ms);
  }

  /**
   * Lets virtual time pass until a promise settles, and gives what it settles with. Rejects when it has not after
   * `withinMs` of virtual time.
   *
   * @example
   * const { offset } = await world.until(lobby.publish("message", { text: "hi" }));
   */
  async until<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    const lastMs = this.nowMs + withinMs;
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    promise.then(settle, settle);
    while (!isSettled) {
      if (this.nowMs >= lastMs) throw new Error(`${withinMs} ms of virtual time passed without an answer`);
      await this.run(Math.min(untilStepMs, lastMs - this.nowMs));
    }
    return promise;
  }

  /** Puts a device or node to sleep for a while. */
  sleep(sleeper: Device<C> | SimNode<C>, ms: number, options: { readonly notices?: boolean } = {}): void {
    sleeper.process.sleep();
    const entry = {
      wake: (): void => {
        if (!this.#sleepers.delete(entry)) return;
        if (sleeper instanceof Device) sleeper.wake(options);
        else sleeper.process.wake();
      },
    };
    this.#sleepers.add(entry);
    this.timeline.after(ms, entry.wake);
  }

  /**
   * Everything that was broken on purpose is well again: nodes start, sleepers wake, lines flow, brokers and disks work.
   * `tells`: devices hear of it, as a page does that is online again.
   */
  heal({ tells = true }: { readonly tells?: boolean } = {}): void {
    const { history, network, nodes, devices } = this;
    history.add({ type: "heal" });
    for (const sleeper of this.#sleepers) sleeper.wake();
    network.offline.clear();
    network.options.tornShare = 0;
    network.flow();
    for (const node of nodes) {
      node.start();
      node.shared?.restore();
      node.shared?.hear();
    }
    for (const { storage } of devices) storage.turn("well");
    if (tells) for (const device of devices) device.notice();
  }

  /**
   * Heals the world and lets time pass until everything has come to rest: all are connected, nothing is pending, every
   * reader is at the head, presence agrees. What still is not so after `withinMs` is the answer; empty: nothing. A queue
   * that is worked off slowly has as long again for each publish that leaves it.
   */
  async settle(rules: SettledRules = {}, withinMs = 120_000): Promise<Violation[]> {
    this.heal();
    const patience = new Patience(this.nowMs, withinMs);
    for (;;) {
      await this.run(2000);
      for (const node of this.nodes) node.start();
      const endState = this.endState();
      const violations = checkSettled(endState, rules);
      if (violations.length === 0 || patience.isOver(endState)) return violations;
    }
  }

  /** Holds what has happened against every rule; empty: none was broken. */
  check(options: Omit<CheckOptions, "contract"> = {}): Violation[] {
    return checkAll(this.history.steps, { contract: this.contract, ...options });
  }

  /** How everything stands now. */
  endState(): EndState {
    return takeEndState(this);
  }

  #nodeContext(options: WorldOptions<C>): Omit<SimNodeContext<C>, "wraps" | "sessionTtlMs"> {
    const { server, brokerLatencyMs = [0.2, 5], brokerRepeats = 0, leaseMs = 10_000 } = options;
    const { timeline, history, random, store, contract } = this;
    const network = (): Network => this.network;
    const latencyMs = store ? brokerLatencyMs[1] : 0;
    const fence = new Fence({ timeline, history, network, hosts: () => this.nodes, latencyMs });
    return {
      opened: (session, generation) => fence.opened(session, generation),
      timeline,
      history,
      random,
      network,
      server,
      store,
      brokerLatencyMs,
      brokerRepeats,
      leaseMs,
      historyCount: (room) => contract.matchRoom(room)?.definition.history.count ?? Infinity,
    };
  }
}

function networkOptions<C extends Contract>(options: WorldOptions<C>): NetworkOptions {
  const { latencyMs = [1, 50], drainBytes = 65_536, tornShare = 0, trace = false } = options;
  return { latencyMs, drainBytes, tornShare, trace };
}
