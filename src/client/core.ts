import { callSites, checkJoinOptions, checkOptions, misuse } from "#client/help";
import type { Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ErrorFrame, JoinRequest, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import { errorAt, type CallSite } from "./call-site.ts";
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { Connection } from "./connection.ts";
import type { ClientCoreOptions, Endpoint } from "./core-options.ts";
import { CurrentSession } from "./current-session.ts";
import { Journal } from "./journal.ts";
import type { JoinOptions } from "./join-options.ts";
import { JoinedRoom } from "./joined-room.ts";
import { fateOf, fits, localError, type Call, type OutboxEntry, type Outcome } from "./outbox-entry.ts";
import { Outbox } from "./outbox.ts";
import { RoomState, type RoomContext } from "./room.ts";
import type { Status } from "./status.ts";

const requestTimeoutMs = 30_000;
const storeRetryMs = 1000;
/** What a hello may have beside its rooms. */
const helloHeadBytes = 256;

/** The client behind the typed face in client.ts: joins session, outbox, rooms and connection. */
export class ClientCore {
  user: string | null = null;
  readonly #options: ClientCoreOptions;
  readonly #connection: Connection;
  readonly #connectionContext: ConnectionContext;
  readonly #journal: Journal;
  readonly #outbox: Outbox;
  readonly #rooms = new Map<string, RoomState>();
  readonly #roomContext: RoomContext;
  readonly #site: () => CallSite;
  readonly #current: CurrentSession;
  /** Why calls are refused: the client was closed, or has stopped. */
  #ended: BowlineError | null = null;
  /** Kept until one of them changes. */
  #pending: readonly Fate[] | null = null;
  /** What the server takes. Before it has said that, a first hello keeps to what any is likely to take. */
  #payloadBytes = 2048;

  constructor(options: ClientCoreOptions) {
    const { store, report, outbox: limits } = options;
    this.#options = options;
    this.#site = callSites(options.clock);
    this.#current = new CurrentSession({
      ...options,
      initial: store.initial?.session ?? null,
      left: () => this.#outbox.settleAll(localError("SESSION_MISMATCH")),
    });
    this.#journal = new Journal(store, options.clock, () => this.#current.session.stored);
    const isOpen = (): boolean => this.#connection.isOpen && this.#current.isOpened;
    this.#roomContext = this.#makeRoomContext(isOpen);
    this.#outbox = new Outbox({
      journal: this.#journal,
      initial: store.initial?.publishes ?? [],
      session: () => this.#current.session,
      limits,
      takesCalls: () => isOpen() && this.#connection.takesCalls,
      send: this.#send,
      report,
      changed: this.#changed,
      later: (task) => void options.clock.setTimer(storeRetryMs, task),
    });
    const context: Omit<ConnectionContext, keyof Endpoint> = {
      ...options,
      token: () => {
        this.#current.dials();
        return options.token();
      },
      dials: (hasNewToken) => {
        if (hasNewToken) this.#current.hasNewToken();
        this.#current.ask();
      },
      hello: this.#hello,
      welcomed: this.#welcomed,
      opened: this.#opened,
      received: this.#receive,
      awaitsAnswers: () => this.#outbox.awaitsAnswers,
      lost: () => {
        for (const room of this.#rooms.values()) room.lost();
      },
      ended: (error) => this.#end(error ?? localError("CLOSED")),
      disowned: () => this.#current.leave(),
    };
    this.#connectionContext = context as ConnectionContext;
    this.#connection = new Connection(this.#connectionContext);
  }

  get session(): string {
    return this.#current.session.id;
  }

  get status(): Status {
    return this.#connection.status;
  }

  get pending(): readonly Fate[] {
    return (this.#pending ??= this.#outbox.entries.flatMap((entry) => fateOf(entry, null) ?? []));
  }

  readonly connect = (): void => {
    Object.assign(this.#connectionContext, this.#options.endpoint());
    if (this.#ended) for (const room of this.#rooms.values()) room.begin();
    this.#ended = null;
    this.#connection.connect();
  };

  readonly reconnect = (): void => {
    if (this.status.state !== "closed" && !this.#changesUser()) this.#connection.redial();
  };

  readonly close = (): void => {
    // Of rooms that nobody is in any more, the server is told while it can be.
    for (const room of this.#rooms.values()) if (room.readers.size === 0) room.leave();
    this.#connection.close();
  };

  readonly join = (name: string, options: JoinOptions = {}): JoinedRoom => {
    const definition = this.#definition(name);
    checkJoinOptions(options);
    const former = this.#rooms.get(name);
    const past = former && former.status.state !== "left" ? former.admit(options) : null;
    if (!past && former?.readers.size) throw misuse("joined", name);
    let room = former;
    if (room && past) {
      room.begin();
      if (options.presence !== undefined) room.presence.set(options.presence);
    } else {
      former?.leave();
      room = new RoomState(this.#roomContext, name, options, former);
      this.#rooms.set(name, room);
    }
    if (this.#ended) room.lost(this.#ended);
    const { clock, report } = this.#options;
    const { publish } = this;
    const site = this.#site();
    const joined = new JoinedRoom(room, options, past ?? [], { definition, publish, clock, site, report });
    // What others ask for in the same breath goes out with it.
    void Promise.resolve(room).then((it) => it.join());
    return joined;
  };

  readonly publish = (room: string, event: string, payload: unknown): Publish => {
    if (this.#definition(room).events[event]?.kind !== "event") throw misuse("event", room, event);
    let id = "";
    const promise = this.#call({ type: "publish", room, event }, payload, (entry) => (id = entry.id));
    return Object.assign(promise, { id }) as Publish;
  };

  readonly request = (name: string, input: unknown, options: RequestCallOptions = {}): Promise<unknown> => {
    checkOptions("request", options, { timeoutMs: 0 });
    const definition = this.#options.contract.requests[name];
    if (definition?.kind !== "request") throw misuse("request", name);
    const { idempotent } = definition;
    const { timeoutMs = requestTimeoutMs } = options;
    let stopTimer: Undo = () => {};
    const reply = this.#call({ type: "request", request: name, idempotent }, input, ({ ref }) => {
      stopTimer = whenOverdue(this.#options.clock, timeoutMs, () => this.#outbox.expire(ref));
    });
    return reply.finally(() => stopTimer());
  };

  readonly onStatus = (listener: (status: Status) => void): Undo => this.#connection.statuses.on(listener);

  readonly onFate = (listener: (fate: Fate) => void): Undo => this.#options.fates.on(listener);

  /** Tells all who wait that nothing comes any more. What is in the outbox stays, for the next connection or process. */
  #end(error: BowlineError): void {
    this.#ended = error;
    this.#outbox.abandon(error);
    for (const room of this.#rooms.values()) room.lost(error);
  }

  /** Puts a call into the outbox. `added` is told at once. */
  #call(call: Call, payload: unknown, added: (entry: OutboxEntry) => void): Promise<unknown> {
    const site = this.#site();
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown): void => reject(errorAt(error, site, call));
      try {
        if (this.#ended) throw this.#ended;
        this.#changesUser();
        const entry = this.#outbox.add(call, payload, (outcome) => {
          if ("error" in outcome) refuse(outcome.error);
          else resolve("reply" in outcome ? outcome.reply : outcome.position);
        });
        added(entry);
      } catch (error) {
        refuse(error);
      }
    });
  }

  #makeRoomContext(isOpen: () => boolean): RoomContext {
    return {
      session: () => this.session,
      isOpen,
      send: (text, about) => {
        if (!about || !this.#changesUser()) this.#send(text, about);
      },
      say: this.#options.say,
      resync: (room) => this.#connection.giveUp(`publications of ${room} are missing`),
      forget: (room) => {
        if (this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
      },
    };
  }

  #definition(room: string): RoomDefinition {
    const match = this.#options.contract.matchRoom(room);
    if (!match) throw misuse("room", room);
    return match.definition;
  }

  /** Sends a frame, unless the server would close the connection for its size. */
  readonly #send = (text: string, about?: object): void => {
    if (!fits(text, this.#payloadBytes)) throw errorAt(localError("PAYLOAD_TOO_LARGE"), {}, about);
    this.#connection.send(text);
  };

  /** Asks the application who it is now, and connects anew where that is somebody else. */
  #changesUser(): boolean {
    const changes = this.#current.ask();
    if (changes) this.#connection.renew("the user is another one");
    return changes;
  }

  readonly #hello = async (): Promise<string> => {
    const { frame, changes } = this.#current.session.hello(this.#helloRooms());
    await this.#journal.save(changes);
    return encodeFrame(frame);
  };

  /** The rooms to be in, as many as a hello may hold; the others are joined when it is answered. */
  #helloRooms(): JoinRequest[] {
    const requests: JoinRequest[] = [];
    let text = "";
    for (const room of this.#rooms.values()) {
      room.lost();
      if (room.status.state === "left") continue;
      const request = room.joinRequest();
      const longer = text + encodeFrame({ type: "join", ...request });
      if (!fits(longer, this.#payloadBytes - helloHeadBytes)) continue;
      text = longer;
      room.greeted();
      requests.push(request);
    }
    return requests;
  }

  /** False where the session was somebody else's before, and another one has to be opened. */
  readonly #welcomed = (frame: WelcomeFrame): boolean => {
    const welcomed = this.#current.welcomed(frame);
    if (!welcomed) return false;
    this.user = frame.user;
    this.#payloadBytes = frame.payloadBytes;
    this.#outbox.opened({ ...frame, ...welcomed });
    return true;
  };

  readonly #opened = (): void => {
    for (const room of this.#rooms.values()) room.opened();
    this.#outbox.pump();
  };

  readonly #receive = (frame: ServerFrame): void => {
    switch (frame.type) {
      case "ack":
        return this.#outbox.settle(frame.ref, { position: frame.position });
      case "reply":
        return this.#outbox.settle(frame.ref, { reply: frame.payload });
      case "error":
        return this.#receiveError(frame);
      default:
        // One that concerns no room is of a newer server: nothing this client could do with it.
        if ("room" in frame) this.#rooms.get(frame.room)?.receive(frame);
    }
  };

  #receiveError(frame: ErrorFrame): void {
    const error = new BowlineError(frame.code, frame.message, frame);
    if (frame.ref === undefined) this.#rooms.get(frame.room)?.receiveError(frame.of, error);
    else this.#outbox.settle(frame.ref, { error });
  }

  readonly #changed = (entry: OutboxEntry, outcome: Outcome | null): void => {
    this.#pending = null;
    if (outcome) this.#connection.answered();
    const fate = this.#options.fates.isHeard ? fateOf(entry, outcome) : null;
    if (fate) this.#options.fates.emit(fate);
  };
}
