import { checkType } from "../base/options.ts";
import { inboxRoom, type inboxPattern, type Contract, type EventDefinition } from "../contract/contract.ts";
import type {
  Durable,
  EventsOf,
  PatternsOf,
  PayloadIn,
  PayloadOut,
  RoomArgument,
  RoomNamesOf,
  RoomOf,
  Signals,
} from "../contract/infer.ts";
import type { Position } from "../protocol/frames.ts";
import type { NodeStats } from "./cluster.ts";
import type { UserLike } from "./connection.ts";
import type { DrainOptions, Gate, Servable } from "./engine.ts";
import {
  Handlers,
  type RequestHandler,
  type RoomHandlers,
  type UntypedRequestHandler,
  type UntypedRoomHandlers,
} from "./handlers.ts";
import { checkDrain, checkHistory, checkNames, type HistoryOptions } from "./arguments.ts";
import { Node } from "./node.ts";
import { resolveOptions, type ServerOptions } from "./options.ts";
import type { StoredPublication } from "./publishing.ts";

/** A publication as {@link Server.history} gives it. */
export type PublicationOf<Events> = {
  [Event in keyof Events & string]: Events[Event] extends EventDefinition
    ? {
        readonly id: string;
        readonly event: Event;
        /** User id of the sender; null for the server. */
        readonly from: string | null;
        /** When the server took it: milliseconds since 1970. */
        readonly at: number;
        readonly payload: PayloadOut<Events[Event]>;
        readonly position: Position;
      }
    : never;
}[keyof Events & string];

type InboxOf<C extends Contract> =
  typeof inboxPattern extends PatternsOf<C>
    ? EventsOf<C["rooms"][typeof inboxPattern]>
    : Record<never, never>;

/** What a server may do about one user. */
export interface ServerUser<C extends Contract> {
  /**
   * Publishes an event to the user's inbox: to every device, and kept for those away. Settles like {@link Server.publish}.
   */
  notify<Event extends keyof InboxOf<C> & string>(
    event: Event,
    payload: PayloadIn<Extract<InboxOf<C>[Event], EventDefinition>>,
  ): Promise<Position>;
  /**
   * Ends the user's connections on every node with code 4403: their clients stop. Nodes that did not answer within 2 s
   * are `missing`. Rejects like {@link Server.history}.
   */
  disconnect(reason?: string): Promise<UserDisconnected>;
}

/** What came of {@link ServerUser.disconnect}. */
export interface UserDisconnected {
  /** Connections that were closed. */
  readonly connections: number;
  /** Nodes that did not answer, and may have connections of the user. */
  readonly missing: readonly string[];
}

/** Figures of a cluster. */
export interface ClusterStats {
  /** Of all nodes that answered. */
  readonly connections: number;
  /** By node. A room counts on each node that has members of it. */
  readonly nodes: ReadonlyMap<string, NodeStats>;
  /** Nodes that did not answer in time. */
  readonly missing: readonly string[];
}

/** A server for one contract. It hears nothing until it is served (`bowline/node`) or attached to an HTTP server. */
export interface Server<C extends Contract = Contract, User extends UserLike = UserLike> extends Servable {
  readonly contract: C;

  /**
   * Registers the hooks of one kind of room. Once per pattern; throws a `TypeError` on a second time, and on a pattern
   * or event that the contract does not have.
   *
   * @example
   * server.room("chat/:room", {
   *   join: ({ user, params }) => mayRead(user, params.room),
   *   on: { message: ({ payload }) => ({ ...payload, text: clean(payload.text) }) },
   * });
   */
  room<Pattern extends keyof C["rooms"] & string>(
    pattern: Pattern,
    handlers: RoomHandlers<User, Pattern, C["rooms"][Pattern]>,
  ): this;

  /**
   * Registers what answers a request. Every request of the contract needs one before the server is served.
   *
   * @example
   * server.request("rooms.list", () => ["lobby", "help"]);
   */
  request<Name extends keyof C["requests"] & string>(
    name: Name,
    handler: RequestHandler<User, C["requests"][Name]>,
  ): this;

  /**
   * Publishes an event as the server. Resolves with its position once it is stored; rejects with a `BowlineError`:
   * `INVALID`, `UNKNOWN_ROOM`, `UNKNOWN_EVENT`, `UNAVAILABLE` (also before the server is started, and after its end).
   *
   * @example
   * await server.publish("chat/lobby", "notice", { text: "We restart at noon." });
   */
  publish<const Name extends RoomNamesOf<C>, Event extends keyof Durable<EventsOf<RoomOf<C, Name>>> & string>(
    room: RoomArgument<C, Name>,
    event: Event,
    payload: PayloadIn<EventsOf<RoomOf<C, Name>>[Event]>,
  ): Promise<Position>;

  /**
   * The newest publications of a room, oldest first, whoever published them. Rejects with a `BowlineError`:
   * `UNKNOWN_ROOM`, `UNAVAILABLE` (as for {@link Server.publish}).
   *
   * @example
   * const last = await server.history("chat/lobby", { limit: 20 });
   */
  history<const Name extends RoomNamesOf<C>>(
    room: RoomArgument<C, Name>,
    options?: HistoryOptions,
  ): Promise<PublicationOf<EventsOf<RoomOf<C, Name>>>[]>;

  /** Sends a signal as the server. Resolves once it was handed on; rejects like {@link Server.publish}. */
  signal<const Name extends RoomNamesOf<C>, Event extends keyof Signals<EventsOf<RoomOf<C, Name>>> & string>(
    room: RoomArgument<C, Name>,
    event: Event,
    payload: PayloadIn<EventsOf<RoomOf<C, Name>>[Event]>,
  ): Promise<void>;

  /**
   * A user, wherever in the cluster and with however many devices they are connected, or not at all.
   *
   * @example
   * await server.user("u42").notify("mentioned", { by: "ada", room: "chat/lobby" });
   * await server.user("u42").disconnect("your account was closed");
   */
  user(id: string): ServerUser<C>;

  /**
   * Reaches the broker without letting anybody in: for a process that only publishes, reads and asks, such as a worker.
   * `serve` and `attach` do this too. Rejects when the broker can't be reached; may be called again then.
   *
   * @example
   * const worker = createServer(jobs, { broker: redis({ url }) });
   * await worker.start();
   * await worker.publish(`jobs/${id}`, "done", { ms });
   */
  start(): Promise<void>;

  /** Figures of this node. */
  stats(): NodeStats;

  /** Figures of every node that answers within 2 s; the others are `missing`. Rejects like {@link Server.history}. */
  clusterStats(): Promise<ClusterStats>;

  /**
   * Shuts down: lets nobody in, asks every client to come back at a moment of its own, lets what runs finish, and
   * closes what is left at the deadline. Resolves when that is done; what was `serve`d then stops listening.
   */
  drain(options?: DrainOptions): Promise<void>;

  /** Shuts down at once: closes every connection with 1012. Clients come back within a second, each by itself. */
  close(): Promise<void>;

  /** For engines: the way in. */
  readonly gate: Gate;
}

/**
 * Makes a server for a contract. Throws a `TypeError` that names an option that does not fit.
 *
 * @example
 * const server = createServer(chat, { authenticate: ({ token }) => users.find((user) => user.token === token) ?? null });
 * await serve(server, { port: 3000 });
 */
export function createServer<C extends Contract, User extends UserLike = UserLike>(
  contract: C,
  options: ServerOptions<User> = {},
): Server<C, User> {
  return new FacedServer(contract, options) as unknown as Server<C, User>;
}

const defaultHistoryLimit = 100;

/** The typed face's plain half: checks options, and passes everything on. */
export class FacedServer {
  readonly contract: Contract;
  readonly gate: Node;
  readonly #handlers: Handlers;
  readonly #prefix: string;
  #published = 0;

  constructor(contract: Contract, options: ServerOptions) {
    if (typeof (contract as Partial<Contract> | undefined)?.matchRoom !== "function")
      throw new TypeError("createServer takes what contract() made: createServer(contract({ rooms: … }))");
    const resolved = resolveOptions(options);
    this.contract = contract;
    this.#handlers = new Handlers(contract);
    this.#prefix = resolved.random.id(10);
    this.gate = new Node({ ...resolved, contract, handlers: this.#handlers });
  }

  room(pattern: string, handlers: UntypedRoomHandlers): this {
    this.#handlers.addRoom(pattern, handlers);
    return this;
  }

  request(name: string, handler: UntypedRequestHandler): this {
    this.#handlers.addRequest(name, handler);
    return this;
  }

  async publish(room: string, event: string, payload: unknown): Promise<Position> {
    checkNames("server.publish", { room, event });
    this.#published += 1;
    return this.gate
      .running()
      .publishing.publish({ room, event, payload }, `${this.#prefix}-${this.#published}`);
  }

  async history(room: string, options: HistoryOptions = {}): Promise<StoredPublication[]> {
    checkNames("server.history", { room });
    checkHistory(options);
    const { limit = defaultHistoryLimit, before } = options;
    return this.gate.running().publishing.history(room, limit, before);
  }

  async signal(room: string, event: string, payload: unknown): Promise<void> {
    checkNames("server.signal", { room, event });
    return this.gate.running().signals.send({ room, event, payload });
  }

  user(id: string): {
    notify(event: string, payload: unknown): Promise<Position>;
    disconnect(reason?: string): Promise<UserDisconnected>;
  } {
    checkNames("server.user", { id });
    return {
      notify: async (event, payload) => this.publish(inboxRoom(id), event, payload),
      disconnect: async (reason) => {
        checkType("disconnect: the reason", reason, "string");
        const { answers, missing } = await this.gate.running().cluster.disconnect(id, reason);
        return { connections: sum(answers.values()), missing };
      },
    };
  }

  async start(): Promise<void> {
    await this.gate.start();
  }

  stats(): NodeStats {
    return this.gate.stats();
  }

  async clusterStats(): Promise<ClusterStats> {
    const { answers, missing } = await this.gate.running().cluster.stats();
    const connections = sum(Array.from(answers.values(), (node) => node.connections));
    return { connections, nodes: answers, missing };
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    checkDrain(options);
    return this.gate.stop(options);
  }

  close(): Promise<void> {
    return this.gate.stop({ spreadMs: 0, deadlineMs: 0 });
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
