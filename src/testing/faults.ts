import type { Contract } from "../contract/contract.ts";
import type { Position } from "../protocol/frames.ts";
import { BrokerFaults, type BrokerFaultName } from "./broker-faults.ts";
import type { Device } from "./device.ts";
import type { Line } from "./line.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

/** What can be done to a world. */
export type FaultName =
  | "cut"
  | "tear"
  | "deaf"
  | "hold"
  | "stall"
  | "slow"
  | "offline"
  | "sleep"
  | "reload"
  | "notice"
  | "wall-jump"
  | "disk-fail"
  | "disk-hang"
  | "crash"
  | "drain"
  | "node-sleep"
  | BrokerFaultName;

/** How often each fault comes, against the others; one that is not named never does. */
export type FaultWeights = Partial<Readonly<Record<FaultName, number>>>;

/** A room that a device was in before its process was started again. */
export interface FormerRoom {
  readonly name: string;
  readonly position: Position | null;
  readonly state: unknown;
}

/** Options of {@link Storm}. */
export interface StormOptions<C extends Contract> {
  readonly weights: FaultWeights;
  /** From one fault to the next, on average. */
  readonly meanMs: number;
  /** How long what lasts lasts, on average. */
  readonly lastsMs: number;
  /**
   * What an application does after its process was started again: joins its rooms, for one. `former`: the rooms that its
   * earlier life was in.
   */
  readonly onReload?: (device: Device<C>, former: readonly FormerRoom[]) => void;
}

/** Does random harm to a world, one fault after another, until it is stopped. What it broke, `World.heal` mends. */
export class Storm<C extends Contract = Contract> {
  readonly #world: World<C>;
  readonly #options: StormOptions<C>;
  readonly #random: SeededRandom;
  readonly #broker: BrokerFaults<C>;
  #isOver = false;

  constructor(world: World<C>, options: StormOptions<C>) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork("storm");
    this.#broker = new BrokerFaults({
      world,
      random: this.#random,
      node: () => this.#node(),
      later: (task) => this.#later(task),
      isOver: () => this.#isOver,
      note: (text) => this.#note(text),
    });
  }

  /** Starts; does nothing where no fault has a weight. */
  start(): void {
    if (Object.values(this.#options.weights).some((weight) => weight > 0)) this.#next();
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Does one fault now. */
  strike(name: FaultName): void {
    const { actions } = this.#broker;
    if (name in actions) actions[name as BrokerFaultName]();
    else this.#actions[name as Exclude<FaultName, BrokerFaultName>]();
  }

  #next(): void {
    this.#world.timeline.after(this.#random.waitMs(this.#options.meanMs), () => {
      if (this.#isOver) return;
      this.strike(this.#random.weighted(this.#options.weights as Record<FaultName, number>));
      this.#next();
    });
  }

  readonly #actions: Readonly<Record<Exclude<FaultName, BrokerFaultName>, () => void>> = {
    cut: () => this.#onLine("cut", (line) => line.reset(this.#ends())),
    tear: () => this.#onLine("tear", (line) => line.tearAfter(this.#random.int(1, 6))),
    deaf: () => this.#onLine("go deaf", (line) => line.goDeaf(this.#random.pick(["up", "down", "both"]))),
    hold: () =>
      this.#onLine("hold", (line) => {
        line.hold(this.#random.pick(["up", "down"]));
        this.#later(() => line.flow());
      }),
    stall: () =>
      this.#onLine("stall", (line) => {
        line.stall();
        this.#later(() => line.flow());
      }),
    slow: () =>
      this.#onLine("slow down", (line) => {
        line.slowDown(this.#random.scale(0.05, 20));
        this.#later(() => line.flow());
      }),
    offline: () => this.#offline(),
    sleep: () => {
      const device = this.#device();
      const notices = this.#random.chance(0.7);
      if (device) this.#sleep(device, { notices });
    },
    reload: () => {
      const device = this.#device();
      if (device) this.#reload(device);
    },
    notice: () => this.#device()?.notice(),
    "wall-jump": () => this.#jump(),
    "disk-fail": () => this.#turnDisk("fail"),
    "disk-hang": () => this.#turnDisk("hang"),
    crash: () => {
      const node = this.#node();
      if (!node) return;
      this.#note(`crash ${node.name}`);
      node.crash({ seen: this.#random.chance(0.6) });
      this.#later(() => node.start());
    },
    drain: () => {
      const node = this.#node();
      if (node) this.#drain(node);
    },
    "node-sleep": () => {
      const node = this.#node();
      if (node) this.#sleep(node, {});
    },
  };

  #offline(): void {
    const device = this.#device();
    if (!device) return;
    const { network } = this.#world;
    const how = this.#random.pick(["silent", "refused"] as const);
    this.#note(`${device.name} goes offline, ${how}`);
    network.offline.set(device.name, how);
    for (const line of network.linesOf(device.process)) {
      if (how === "silent") line.goDeaf("both");
      else line.reset({ server: this.#random.chance(0.5) });
    }
    const tells = this.#random.chance(0.5);
    this.#later(() => {
      network.offline.delete(device.name);
      if (tells) device.notice();
    });
  }

  #reload(device: Device<C>): void {
    this.#note(`${device.name} reloads`);
    const former = device.rooms.map(({ name, position, state }) => ({ name, position, state }));
    device.reload({ seen: this.#random.chance(0.7) });
    this.#options.onReload?.(device, former);
  }

  #sleep(sleeper: Device<C> | SimNode<C>, options: { readonly notices?: boolean }): void {
    const ms = this.#random.waitMs(this.#options.lastsMs);
    this.#note(`${sleeper.name} sleeps for ${Math.round(ms)} ms`);
    this.#world.sleep(sleeper, ms, options);
  }

  #turnDisk(disk: "fail" | "hang"): void {
    const device = this.#device();
    if (!device) return;
    this.#note(`writes to the disk of ${device.name} ${disk}`);
    device.storage.turn(disk);
    this.#later(() => device.storage.turn("well"));
  }

  #jump(): void {
    const device = this.#device();
    const process = this.#random.chance(0.5) ? device?.process : this.#node()?.process;
    if (!process) return;
    const ms = Math.round(this.#random.between(-3_600_000, 3_600_000));
    this.#note(`the wall clock of ${process.name} jumps by ${ms} ms`);
    process.wallAheadMs += ms;
  }

  #drain(node: SimNode<C>): void {
    const spreadMs = this.#random.int(0, 3000);
    const deadlineMs = this.#random.int(0, 8000);
    this.#note(`drain ${node.name} (spread ${spreadMs} ms, deadline ${deadlineMs} ms)`);
    node.process.run(() => void node.drain({ spreadMs, deadlineMs }));
    this.#world.timeline.after(deadlineMs + 3000 + this.#random.waitMs(this.#options.lastsMs), () => {
      if (!node.isUp) node.start();
    });
  }

  #onLine(name: string, harm: (line: Line) => void): void {
    const lines = [...this.#world.network.lines];
    if (lines.length === 0) return;
    const line = this.#random.pick(lines);
    this.#note(`${name}: ${line.client.name} to ${line.node.name}`);
    harm(line);
  }

  #ends(): { readonly client: boolean; readonly server: boolean } {
    const client = this.#random.chance(0.8);
    return { client, server: !client || this.#random.chance(0.6) };
  }

  #device(): Device<C> | null {
    const { devices } = this.#world;
    return devices.length > 0 ? this.#random.pick(devices) : null;
  }

  #node(): SimNode<C> | null {
    const up = this.#world.nodes.filter(({ isUp }) => isUp);
    return up.length > 0 ? this.#random.pick(up) : null;
  }

  #later(task: () => void): void {
    this.#world.timeline.after(this.#random.waitMs(this.#options.lastsMs), task);
  }

  #note(text: string): void {
    this.#world.history.add({ type: "fault", text });
  }
}
