import {
  callSites,
  checkJoinOptions,
  checkOptions,
  misuse,
  reasonOf,
  tellContract,
  withContract,
} from "#client/help";
import type { Clock, Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import type { Emitter } from "../base/emitter.ts";
import type { Random } from "../base/random.ts";
import { fits } from "../base/utf8.ts";
import type { Contract, RoomDefinition } from "../contract/contract.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { JoinRequest, Position, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import { errorAbout, type CallSite } from "./call-site.ts";
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import type { TokenSource } from "./client-types.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { Connection } from "./connection.ts";
import type { ClientCoreOptions, Endpoint } from "./core-options.ts";
import { journal, type Save } from "./journal.ts";
import type { JoinOptions } from "./join-options.ts";
import { JoinedRoom } from "./joined-room.ts";
import { fateOf, localError, publishOf, type Call, type OutboxEntry, type Outcome } from "./outbox-entry.ts";
import { Outbox, type OutboxContext } from "./outbox.ts";
import { RoomState, type RoomContext } from "./room.ts";
import { Session, type SessionContext } from "./session.ts";
import type { Transport } from "./socket.ts";
import type { Status } from "./status.ts";

const requestTimeoutMs = 30_000;
/** What a hello may have beside its rooms. */
const helloHeadBytes = 256;

/**
 * The client behind the typed face in client.ts, and what its parts ask of each other: session, outbox, rooms and
 * connection each see the part of it that they need.
 */
export class ClientCore implements ConnectionContext, OutboxContext, RoomContext, SessionContext {
  user: string | null = null;
  declare readonly contract: Contract;
  declare readonly endpoint: () => Endpoint;
  declare readonly tokenSource: TokenSource;
  declare readonly fates: Emitter<Fate>;
  declare readonly clock: Clock;
  declare readonly random: Random;
  declare readonly report: (error: unknown) => void;
  declare readonly log: boolean;
  declare readonly whose: () => string | null;
  readonly identity: Session;
  readonly save: Save;
  // Set before anything is dialled.
  declare url: string;
  declare transport: Transport;
  readonly calls: Outbox;
  readonly connection: Connection;
  readonly roomStates: Map<string, RoomState> = new Map();
  readonly #site: () => CallSite;
  /** Why calls are refused: the client was closed, or has stopped. */
  #ended: BowlineError | null = null;
  /** Kept until one of them changes. */
  #pending: readonly Fate[] | null = null;
  /** What the server takes. Before it has said that, a first hello keeps to what any is likely to take. */
  #payloadBytes = 2048;

  constructor(options: ClientCoreOptions) {
    Object.assign(this, options);
    const { store, clock, limits } = options;
    this.#site = callSites(clock);
    this.identity = new Session(store.initial?.session ?? null, this);
    this.save = journal(store, clock, this.identity);
    this.calls = new Outbox(this, limits, store.initial?.publishes);
    this.connection = new Connection(this);
  }

  get pending(): readonly Fate[] {
    return (this.#pending ??= this.calls.queue.flatMap((entry) => fateOf(entry) ?? []));
  }

  /** What its users have, beside `publish`. The functions may be taken off it. */
  readonly methods = {
    connect: (): void => {
      Object.assign(this, this.endpoint());
      if (this.#ended) this.#eachRoom((room) => room.begin());
      this.#ended = null;
      this.connection.connect();
    },

    reconnect: (): void => {
      if (this.connection.status.state !== "closed" && !this.#changesUser()) this.connection.redial();
    },

    close: (): void => {
      // Of rooms that nobody is in any more, the server is told while it can be.
      this.#eachRoom((room) => {
        if (room.readers.size === 0) room.leave();
      });
      this.connection.close();
    },

    join: (name: string, options: JoinOptions = {}): JoinedRoom => {
      this.definition(name);
      checkJoinOptions(options);
      const room = this.roomStates.get(name) ?? new RoomState(this, name);
      const past = room.enter(options);
      this.roomStates.set(name, room);
      if (this.#ended) room.lost(this.#ended);
      const joined = new JoinedRoom(room, options, past, this.#site());
      // What others ask for in the same breath goes out with it.
      void Promise.resolve().then(() => room.join());
      return joined;
    },

    request: (name: string, input: unknown, options: RequestCallOptions = {}): Promise<unknown> => {
      checkOptions("request", options, { timeoutMs: 0 });
      const definition = this.contract.requests[name];
      if (definition?.kind !== "request") throw misuse("request", name);
      const { timeoutMs = requestTimeoutMs } = options;
      const call = { type: "request", request: name, idempotent: definition.idempotent } as const;
      let stopTimer: Undo = () => {};
      const reply = this.#call(call, input, ({ ref }) => {
        stopTimer = whenOverdue(this.clock, timeoutMs, () => this.calls.expire(ref));
      });
      return reply.finally(() => stopTimer());
    },

    onStatus: (listener: (status: Status) => void): Undo => {
      return this.connection.statuses.on(listener);
    },

    onFate: (listener: (fate: Fate) => void): Undo => {
      return this.fates.on(listener);
    },
  };

  readonly publish = (room: string, event: string, payload: unknown): Publish => {
    if (this.definition(room).events[event]?.kind !== "event") throw misuse("event", room, event);
    let entry: OutboxEntry | undefined;
    const promise = this.#call({ type: "publish", room, event }, payload, (added) => (entry = added));
    return publishOf(promise as Promise<Position>, entry);
  };

  // For the connection, the outbox and the rooms.

  async hello(): Promise<string> {
    this.identity.ask();
    const frame = withContract(this.identity.hello(this.#helloRooms()), this.contract);
    await this.save([]);
    return encodeFrame(frame);
  }

  welcomed(frame: WelcomeFrame): boolean {
    const welcomed = this.identity.welcomed(frame);
    if (!welcomed) return false;
    this.user = frame.user;
    this.#pending = null;
    this.#payloadBytes = frame.payloadBytes;
    tellContract(this, frame);
    this.calls.opened({ ...frame, ...welcomed });
    return true;
  }

  opened(): void {
    this.#eachRoom((room) => room.opened());
    this.calls.pump();
  }

  received(frame: ServerFrame): void {
    if (frame.type === "error") {
      const error = new BowlineError(frame.code, frame.message, frame);
      if (frame.ref === undefined) this.roomStates.get(frame.room)?.receiveError(frame.of, error);
      else this.calls.settle(frame.ref, { error });
    } else if ("ref" in frame) this.calls.settle(frame.ref, frame as Outcome);
    // One that concerns no room is of a newer server: nothing this client could do with it.
    else if ("room" in frame) this.roomStates.get(frame.room)?.receive(frame);
  }

  lost(): void {
    this.#eachRoom((room) => room.lost());
  }

  /** Tells all who wait that nothing comes any more. What is in the outbox stays, for the next connection or process. */
  ended(error: BowlineError | null): void {
    const why = error ?? localError("CLOSED");
    this.#ended = why;
    this.calls.abandon(why);
    this.#eachRoom((room) => room.lost(why));
  }

  takesCalls(): boolean {
    return this.isOpen() && !this.connection.isLeaving;
  }

  changed(entry: OutboxEntry, outcome?: Outcome): void {
    this.#pending = null;
    if (outcome) this.connection.answered();
    const fate = this.fates.isHeard && fateOf(entry, outcome);
    if (fate) this.fates.emit(fate);
  }

  definition(room: string): RoomDefinition {
    const match = this.contract.matchRoom(room);
    if (match) return match.definition;
    throw misuse("room", room);
  }

  isOpen(): boolean {
    return this.connection.isOpen && this.identity.isOpened;
  }

  send(text: string, about?: object): void {
    if (about && this.#changesUser()) return;
    if (!fits(text, this.#payloadBytes)) throw errorAbout(localError("PAYLOAD_TOO_LARGE"), about);
    this.connection.send(text);
  }

  /** Puts a call into the outbox. `added` is told at once. */
  #call(call: Call, payload: unknown, added: (entry: OutboxEntry) => void): Promise<unknown> {
    const site = this.#site();
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown): void => reject(site(error, call));
      try {
        if (this.#ended) throw this.#ended;
        this.#changesUser();
        const entry = this.calls.add(call, payload, (outcome) => {
          if (outcome.error) refuse(outcome.error);
          else resolve(outcome.position ?? outcome.payload);
        });
        added(entry);
      } catch (error) {
        refuse(error);
      }
    });
  }

  #eachRoom(task: (room: RoomState) => void): void {
    for (const room of this.roomStates.values()) task(room);
  }

  /** Asks the application who it is now, and connects anew where that is somebody else. */
  #changesUser(): boolean {
    const changes = this.identity.ask();
    if (changes) this.connection.renew(reasonOf("SESSION_MISMATCH"));
    return changes;
  }

  /** The rooms to be in, as many as a hello may hold; the others are joined when it is answered. */
  #helloRooms(): JoinRequest[] {
    const requests: JoinRequest[] = [];
    let text = "";
    this.#eachRoom((room) => {
      if (room.status.state === "left") return;
      const request = room.joinRequest();
      const longer = text + encodeFrame({ type: "join", ...request });
      if (!fits(longer, this.#payloadBytes - helloHeadBytes)) return;
      text = longer;
      room.greeted();
      requests.push(request);
    });
    return requests;
  }
}
