import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import type { Broker } from "../server/broker.ts";
import type { UserLike } from "../server/connection.ts";
import type { DrainOptions, Gate } from "../server/engine.ts";
import { memory } from "../server/memory-broker.ts";
import type { Stage } from "../server/refusal.ts";
import type { Server } from "../server/server.ts";
import type { History } from "./history.ts";
import type { Host, Network } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SharedBroker, type BrokerLink } from "./shared-broker.ts";
import type { SharedStore } from "./shared-store.ts";
import { SimProcess } from "./sim-process.ts";
import type { Timeline } from "./timeline.ts";
import { witness } from "./witness.ts";
import type { Wraps } from "./wraps.ts";

/** What a simulation gives a server in place of the world: spread it into the options of `createServer`. */
export interface ServerSeams {
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: Broker;
  readonly onError: (error: unknown, info: { readonly stage: Stage }) => void;
  /** A simulated run is told by its history, and prints nothing. */
  readonly logger: false;
}

/** Makes a node's server, with its handlers. Called once for each start. Wait with the clock of the seams only. */
export type ServerFactory<C extends Contract, User extends UserLike> = (
  seams: ServerSeams,
  node: string,
  history: History,
) => Server<C, User>;

/** What a node needs of its world. */
export interface SimNodeContext<C extends Contract> {
  readonly timeline: Timeline;
  readonly history: History;
  readonly network: () => Network;
  readonly random: SeededRandom;
  readonly wraps: Wraps;
  readonly server: ServerFactory<C, UserLike>;
  /** Null: each start of the node has a memory broker of its own. */
  readonly store: SharedStore | null;
  readonly brokerLatencyMs: readonly [number, number];
  readonly brokerRepeats: number;
  readonly sessionTtlMs: number;
  readonly leaseMs: number;
  /** How many publications a room keeps. */
  readonly historyCount: (room: string) => number;
  /** Told of each session that the broker opens. */
  readonly opened: (session: string, generation: number) => void;
}

/** A server process that can crash, drain and start again. */
export class SimNode<C extends Contract = Contract> implements Host {
  readonly name: string;
  readonly #context: SimNodeContext<C>;
  #process: SimProcess;
  #server: Server<C, UserLike> | null = null;
  #gate: Gate | null = null;
  #shared: SharedBroker | null = null;
  #starts = 0;
  #isUp = false;

  constructor(context: SimNodeContext<C>, name: string) {
    this.#context = context;
    this.name = name;
    this.#process = new SimProcess(name, context.timeline);
  }

  get process(): SimProcess {
    return this.#process;
  }

  get gate(): Gate {
    if (!this.#gate) throw new Error(`${this.name} was never started`);
    return this.#gate;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The server of the present start; null while the node is down. */
  get server(): Server<C, UserLike> | null {
    return this.#process.isDead ? null : this.#server;
  }

  /** Its way to the shared store; null with a memory broker. */
  get shared(): SharedBroker | null {
    return this.#shared;
  }

  start(): void {
    const { timeline, history, random, wraps, server } = this.#context;
    if (this.#server && !this.#process.isDead) return;
    this.#starts += 1;
    this.#process = new SimProcess(`${this.name}#${this.#starts}`, timeline);
    const own = random.fork(`${this.name} start ${this.#starts}`);
    const clock = wraps.clock?.(this.#process.clock, "node") ?? this.#process.clock;
    const broker = this.#broker(own, clock);
    const seams: ServerSeams = {
      clock,
      random: own.fork("server"),
      broker: wraps.broker?.(broker, own) ?? broker,
      onError: (error, { stage }) => history.add({ type: "error", where: this.name, stage, error }),
      logger: false,
    };
    this.#server = server(seams, this.name, history);
    this.#gate = wraps.gate?.(this.#server.gate, own) ?? this.#server.gate;
    const process = this.#process;
    this.#gate.serve().then(
      () => {
        if (process === this.#process) this.#isUp = !process.isDead;
      },
      // As a process does that can't reach its broker. Somebody has to start it again.
      () => process === this.#process && this.crash(),
    );
  }

  /** The process dies where it stands. `seen`: its machine lives on and resets its connections. */
  crash({ seen = true }: { readonly seen?: boolean } = {}): void {
    if (this.#process.isDead || !this.#server) return;
    this.#process.kill();
    this.#gone();
    this.#context.network().died(this.#process, seen);
  }

  /** Empties the node and stops it. */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { server } = this;
    if (!server || !this.#isUp) return;
    const process = this.#process;
    await server.drain(options);
    if (process.isDead) return;
    this.#isUp = false;
    // The process ends when its sockets have; that is bounded by the time an engine waits for the answer to a close.
    this.#context.timeline.after(2500, () => {
      if (!process.isDead) this.crash();
    });
  }

  #broker(random: SeededRandom, clock: Clock): Broker {
    const { store, history, brokerLatencyMs, brokerRepeats, sessionTtlMs, historyCount, opened } =
      this.#context;
    if (!store) {
      if (this.#starts > 1) history.add({ type: "ledgers-lost", session: null });
      const broker = memory({ clock, random: random.fork("broker"), sessionTtlMs });
      return witness(broker, this.name, history, { appends: true, historyCount, opened });
    }
    const link: BrokerLink = { latencyMs: brokerLatencyMs, repeats: brokerRepeats, down: null };
    this.#shared = new SharedBroker(store, this.#process, random.fork("broker"), link);
    return witness(this.#shared, this.name, history, { appends: false, historyCount, opened });
  }

  #gone(): void {
    const { store, leaseMs } = this.#context;
    this.#isUp = false;
    this.#shared?.leave();
    store?.nodeDied(this.#process.name, leaseMs);
  }
}
