import { createClient } from "../client/client.ts";
import type { Client } from "../client/client-types.ts";
import type { Transport } from "../client/socket.ts";
import type { Contract } from "../contract/contract.ts";
import { DeviceStorage, type Keeping } from "./device-storage.ts";
import type { History } from "./history.ts";
import type { Network } from "./network.ts";
import { RecordedClient } from "./recorded-client.ts";
import type { RecordedRoom } from "./recorded-room.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { watchSession } from "./session-watch.ts";
import { SimProcess } from "./sim-process.ts";
import type { Timeline } from "./timeline.ts";
import type { Wraps } from "./wraps.ts";

/** What a device needs of its world. */
export interface DeviceContext {
  readonly contract: Contract;
  readonly timeline: Timeline;
  readonly history: History;
  readonly network: Network;
  readonly random: SeededRandom;
  readonly wraps: Wraps;
}

/** Options of a device. */
export interface DeviceOptions {
  /** Handed to the server's `authenticate`. Default: none. */
  readonly token?: string | (() => string | null | Promise<string | null>);
  /** Who uses it: noted with what is published. */
  readonly user?: () => string;
  /** Whether its client is told who that is. Default false. */
  readonly tellsUser?: boolean;
  /** How its client's session and outbox are kept across reloads. Default `"none"`. */
  readonly keeping?: Keeping;
  /** Bound of its outbox: calls. Default 1,000. */
  readonly outboxCount?: number;
}

/** A machine with one client process on it at a time: a page that can be reloaded, put to sleep and cut off. */
export class Device<C extends Contract = Contract> {
  readonly name: string;
  readonly options: DeviceOptions;
  readonly storage: DeviceStorage;
  readonly #context: DeviceContext;
  #lives = 0;
  #process: SimProcess;
  #recorded: RecordedClient;
  #wakes = new Set<() => void>();

  constructor(context: DeviceContext, name: string, options: DeviceOptions = {}) {
    this.name = name;
    this.options = options;
    this.#context = context;
    this.storage = new DeviceStorage(name, context.history, context.random.fork(`${name} storage`));
    this.#process = new SimProcess(`${name}#1`, context.timeline);
    this.#recorded = this.#boot();
  }

  /** The client of the present life. The whole public surface; what it does and gets is recorded. */
  get client(): Client<C> {
    return this.#recorded as unknown as Client<C>;
  }

  get process(): SimProcess {
    return this.#process;
  }

  /** The rooms that are joined and not left. */
  get rooms(): RecordedRoom[] {
    return this.#recorded.rooms;
  }

  /**
   * The process dies where it stands and another one starts. It joins nothing by itself: that is the application's.
   * `seen`: the server's end is told that the old connection is gone.
   */
  reload({ seen = true }: { readonly seen?: boolean } = {}): Client<C> {
    const { network, timeline } = this.#context;
    this.#process.kill();
    network.died(this.#process, seen);
    this.#wakes = new Set();
    this.#process = new SimProcess(`${this.name}#${this.#lives + 1}`, timeline);
    this.#recorded = this.#boot();
    return this.client;
  }

  /** Nothing runs until `wake`. */
  sleep(): void {
    this.#process.sleep();
  }

  /** `notices`: the page hears of it, as a browser's does of coming back into view. */
  wake({ notices = true }: { readonly notices?: boolean } = {}): void {
    this.#process.wake();
    if (notices) this.notice();
  }

  /** What a browser's `online` event does. */
  notice(): void {
    for (const wake of this.#wakes) this.#process.run(wake);
  }

  /** Its connection breaks, and both ends see it. */
  cut(): void {
    for (const line of this.#context.network.linesOf(this.#process)) line.reset();
  }

  #boot(): RecordedClient {
    const { contract, history, network, random, timeline, wraps } = this.#context;
    const { name, options } = this;
    const process = this.#process;
    const { token, keeping = "none", outboxCount } = options;
    const told = toldUser(options);
    this.#lives += 1;
    const transport: Transport = network.transport(name, process, this.#wakes);
    const own = random.fork(process.name);
    const kept = keeping === "none" ? undefined : this.storage.open(process, keeping);
    const { store, idOf } = watchSession(kept && (wraps.store?.(kept, own) ?? kept));
    const client = createClient(contract, {
      url: "ws://simulated/bowline",
      log: false,
      transport: wraps.transport?.(transport, own) ?? transport,
      clock: wraps.clock?.(process.clock, "client") ?? process.clock,
      random: own,
      onError: (error) => history.add({ type: "error", where: process.name, stage: "client", error }),
      ...(token !== undefined && { token }),
      ...told,
      store,
      ...(outboxCount !== undefined && { outbox: { count: outboxCount } }),
    });
    return new RecordedClient(client, contract, name, {
      history,
      standstill: timeline.standstill,
      idOf,
      defer: (task) => process.clock.defer(task),
      ...told,
    });
  }
}

/** Who uses the device, where its client is told. */
function toldUser({ user, tellsUser = false }: DeviceOptions): { readonly user?: () => string } {
  return user && tellsUser ? { user } : {};
}
