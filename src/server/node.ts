import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import type { Contract } from "../contract/contract.ts";
import { closeCodes } from "../protocol/codes.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { JoinRequest } from "../protocol/frames.ts";
import type { Broker } from "./broker.ts";
import { brokerSink } from "./broker-sink.ts";
import { Cluster, type NodeStats } from "./cluster.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import type { Codec } from "./codec.ts";
import { Drain } from "./drain.ts";
import type {
  Admitted,
  DrainOptions,
  Gate,
  Refused,
  Socket,
  SocketListener,
  UpgradeRequest,
} from "./engine.ts";
import { faultReport, type OnError } from "./faults.ts";
import { Flusher } from "./flusher.ts";
import { Doorkeeper, type DoorkeeperOptions } from "./gate.ts";
import type { Handlers } from "./handlers.ts";
import { GuardedBroker } from "./guarded-broker.ts";
import { Hub } from "./hub.ts";
import { insistence } from "./insist.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logging/logger.ts";
import { Logging } from "./logging/logging.ts";
import { NodeContracts } from "./node-contracts.ts";
import { Payloads } from "./payloads.ts";
import { Presence } from "./presence.ts";
import { Publishing } from "./publishing.ts";
import type { Report } from "./refusal.ts";
import { Requests } from "./requests.ts";
import { Rooms } from "./rooms.ts";
import { Router } from "./router.ts";
import { Sessions } from "./sessions.ts";
import { Signals } from "./signals.ts";
import { WireFormats } from "./wire-formats.ts";
import { WorkQueue } from "./work-queue.ts";

/** Everything a node is made of, with the defaults filled in. */
export interface NodeOptions extends Pick<DoorkeeperOptions, "authenticate" | "origins"> {
  readonly contract: Contract;
  readonly handlers: Handlers;
  readonly broker: Broker;
  /** Those beside JSON's. */
  readonly codecs: readonly Codec[];
  readonly path: string;
  readonly limits: Limits;
  readonly heartbeatMs: number;
  readonly presenceGraceMs: number;
  readonly checkOutgoing: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Null: faults go to the logger. */
  readonly onError: OnError | null;
  readonly logger: Logger | null;
  readonly debug: boolean;
}

const retryMs = 1000;

/** One server process's share of the system: the machine behind the face in server.ts. Puts the parts together. */
export class Node implements Gate {
  readonly path: string;
  readonly payloadBytes: number;
  readonly handshakeMs: number;
  readonly broker: string;
  /** Reports what a handler or the broker threw. */
  readonly report: Report;
  readonly sessions: Sessions;
  readonly publishing: Publishing;
  readonly signals: Signals;
  readonly hub: Hub;
  readonly cluster: Cluster;
  readonly #options: NodeOptions;
  readonly #wheel: TimerWheel;
  readonly #doorkeeper: Doorkeeper;
  readonly #presence: Presence;
  readonly #router: Router;
  readonly #rooms: Rooms;
  readonly #formats: WireFormats;
  readonly #connectionContext: ConnectionContext;
  readonly #drain: Drain;
  readonly #logging: Logging;
  readonly #broker: GuardedBroker;
  readonly #onStop: (() => void | Promise<void>)[] = [];
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  /** Whether the broker takes calls: from the end of the start to the end of the stop. */
  #hasBroker = false;

  constructor(options: NodeOptions) {
    const { limits, presenceGraceMs: graceMs } = options;
    this.#options = options;
    this.path = options.path;
    this.payloadBytes = limits.payloadBytes;
    this.handshakeMs = limits.handshakeMs;
    this.broker = options.broker.name;
    const shared = partsOf(options, this.#reportBroker);
    const { queue } = shared;
    this.report = shared.report;
    this.#logging = shared.logging;
    this.#wheel = shared.wheel;
    this.#broker = shared.broker;
    this.#doorkeeper = new Doorkeeper({ ...shared, connectionsMax: limits.connections });
    this.#formats = shared.formats;
    this.hub = new Hub({ ...shared, retry: this.#retry, undelivered: this.#undelivered });
    this.#presence = new Presence({ ...shared, graceMs });
    this.#rooms = new Rooms({ ...shared, hub: this.hub, presence: this.#presence });
    const join = (connection: Connection, request: JoinRequest): void =>
      this.#router.join(connection, request);
    this.sessions = new Sessions({ ...shared, join });
    const { sessions } = this;
    const payloads = new Payloads(shared);
    this.publishing = new Publishing({ ...shared, payloads, rooms: this.#rooms, sessions });
    this.signals = new Signals({ ...shared, payloads, rooms: this.#rooms });
    const requests = new Requests({ ...shared, sessions });
    const { publishing, signals } = this;
    this.#router = new Router({ ...shared, rooms: this.#rooms, publishing, signals, requests });
    this.cluster = new Cluster({
      ...shared,
      stats: () => this.stats(),
      disconnect: (user, why) => sessions.disconnect(user, why),
      contracts: new NodeContracts(shared),
    });
    this.#drain = new Drain({
      ...shared,
      connections: () => sessions.connections(),
      shut: (seconds) => (this.#doorkeeper.closedForSeconds = seconds),
      empty: () => this.#doorkeeper.empty(),
      idle: () => this.#router.idle(),
    });
    this.#connectionContext = {
      ...shared,
      receiveHello: (connection, hello) => void sessions.open(connection, hello),
      receiveFrame: (connection, frame) => this.#router.receive(connection, frame),
      alive: (connection) => sessions.renew(connection),
      ended: (connection) => {
        queue.ended(connection.work);
        this.#ended(connection);
      },
    };
  }

  /** Figures of this node alone. `connections` counts upgrades under way too. */
  stats(): NodeStats {
    const { sessions, hub } = this;
    return { connections: this.#doorkeeper.places, rooms: hub.roomCount, degraded: sessions.degraded };
  }

  async serve(): Promise<void> {
    this.#options.handlers.checkComplete();
    await this.start();
  }

  /** Reaches the broker. */
  start(): Promise<void> {
    if (this.#stopped) throw new Error("this server was stopped: make another one");
    if (!this.#started) {
      this.#started = this.#start();
      // One that failed may be tried again.
      this.#started.catch(() => (this.#started = null));
    }
    return this.#started;
  }

  /** This node, for what asks the broker; throws `UNAVAILABLE` before the start is over, and after the end. */
  running(): this {
    if (this.#hasBroker) return this;
    throw new BowlineError(
      "UNAVAILABLE",
      this.#stopped
        ? "this server was closed: make another one"
        : "start the server first: serve(server), attach(server, …) or await server.start()",
      { retryable: this.#stopped === null },
    );
  }

  admit(request: UpgradeRequest, options: { readonly holds: boolean }): Promise<Admitted | Refused> {
    return this.#doorkeeper.admit(request, options);
  }

  refused(refused: Refused, request: UpgradeRequest): void {
    this.#logging.refusedUpgrade(refused, request);
  }

  giveUp(): void {
    this.#doorkeeper.giveUp();
  }

  open(socket: Socket, admitted: Admitted): SocketListener {
    const format = this.#formats.of(admitted.subprotocol, socket.framing);
    const connection = new Connection(this.#connectionContext, socket, format, admitted);
    this.sessions.add(connection);
    return connection;
  }

  onStop(task: () => void | Promise<void>): void {
    this.#onStop.push(task);
  }

  /** Empties the node and stops it. A later call can only bring the end nearer. */
  stop(options: DrainOptions): Promise<void> {
    if (this.#stopped) this.#drain.hasten(options);
    else this.#stopped = this.#stop(options);
    return this.#stopped;
  }

  /** An outage is reported once, and not again by each call that it fails. */
  readonly #reportBroker = (error: unknown): void => {
    if (!this.sessions.degraded) this.report(error, "broker");
  };

  readonly #undelivered = (error: unknown): void => this.report(error, "delivery");

  readonly #retry = (task: () => void, error: unknown): void => {
    this.#reportBroker(error);
    this.#options.clock.setTimer(retryMs, task);
  };

  async #start(): Promise<void> {
    const { contract, onError } = this.#options;
    const { hub, sessions, cluster, report } = this;
    const listeners = { hub, sessions, cluster, report, logging: this.#logging };
    const sink = brokerSink({ ...listeners, reportsOutages: onError !== null });
    await this.#broker.start(sink, cluster.node, clusterSettings(contract));
    if (this.#stopped) {
      await this.#broker.stop();
      throw new Error("this server was stopped while it started");
    }
    this.#hasBroker = true;
    this.#wheel.start();
    // Nobody waits for it: where it fails, the broker is away, which is told by itself.
    this.cluster.compareContracts().catch(() => {});
  }

  async #stop(options: DrainOptions): Promise<void> {
    const count = this.sessions.size;
    if (this.#logging.isDebug) this.#logging.debug(`draining ${count} connections`, {}, { count });
    await this.#drain.run(options);
    this.#presence.stop();
    this.#wheel.stop();
    await Promise.all(this.#onStop.map(async (task) => task()));
    this.#hasBroker = false;
    await this.#broker.stop();
  }

  #ended(connection: Connection): void {
    const { closeCode: close } = connection;
    if (close === closeCodes.TOO_BIG.code) this.#logging.closed("TOO_BIG", undefined, connection);
    if (this.#logging.isDebug) this.#logging.debug(`closed (${close})`, connection, { close });
    this.#doorkeeper.giveUp();
    this.sessions.ended(connection);
    this.#rooms.ended(connection);
  }
}

/** What the parts of a node have in common. The types of what is made here are those of its parts. */
function partsOf(options: NodeOptions, reportBroker: Report) {
  const { clock, limits, onError } = options;
  const node = options.random.id(10);
  const logging = new Logging({ ...options, node });
  const report = faultReport(onError, logging, node);
  const wheel = new TimerWheel(clock);
  return {
    ...options,
    ...limits,
    node,
    formats: new WireFormats(options.codecs),
    logging,
    report,
    wheel,
    broker: new GuardedBroker(options.broker, { wheel, clock, brokerMs: limits.brokerMs, report }),
    flusher: new Flusher(clock, (error) => report(error, "delivery")),
    queue: new WorkQueue(),
    insist: insistence({ clock, report: reportBroker }),
  };
}
