import type { Undo } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { ErrorFrame, JoinRequest, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import { callSites, errorAt, type CallSite } from "./call-site.ts";
import type { Fate, Publish, RequestCallOptions } from "./calls.ts";
import { Connection } from "./connection.ts";
import type { ClientCoreOptions } from "./core-options.ts";
import { CurrentSession } from "./current-session.ts";
import { Journal } from "./journal.ts";
import { JoinedRoom, noEvent } from "./joined-room.ts";
import { fateOf, fits, localError, type Call, type OutboxEntry, type Outcome } from "./outbox-entry.ts";
import { Outbox } from "./outbox.ts";
import { RoomState, type JoinOptions, type RoomContext } from "./room.ts";
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
  readonly #journal: Journal;
  readonly #outbox: Outbox;
  readonly #rooms = new Map<string, RoomState>();
  readonly #roomContext: RoomContext;
  readonly #site: () => CallSite;
  readonly #current: CurrentSession;
  /** Rooms that a hello on its way joins, and that were left meanwhile. */
  readonly #owedLeaves = new Set<string>();
  /** Why calls are refused: the client was closed, or has stopped. */
  #ended: BowlineError | null = null;
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
    this.#journal = new Journal(store, () => this.#current.session.stored);
    const isOpen = (): boolean => this.#connection.isOpen && this.#current.isOpened;
    const send = (text: string): void => this.#send(text);
    this.#roomContext = this.#makeRoomContext(isOpen, send);
    const changed = (entry: OutboxEntry, outcome: Outcome | null): void => this.#changed(entry, outcome);
    const later = (task: () => void): void => void options.clock.setTimer(storeRetryMs, task);
    this.#outbox = new Outbox({
      journal: this.#journal,
      initial: store.initial?.publishes ?? [],
      session: () => this.#current.session,
      limits,
      takesCalls: () => isOpen() && this.#connection.takesCalls,
      send,
      report,
      changed,
      later,
    });
    this.#connection = new Connection({
      ...options,
      token: () => {
        this.#current.dials();
        return options.token();
      },
      dials: (hasNewToken) => {
        if (hasNewToken) this.#current.hasNewToken();
        this.#current.ask();
      },
      hello: () => this.#hello(),
      welcomed: (frame) => this.#welcomed(frame),
      opened: () => this.#opened(),
      received: (frame) => this.#receive(frame),
      awaitsAnswers: () => this.#outbox.awaitsAnswers,
      lost: () => {
        for (const room of this.#rooms.values()) room.lost();
      },
      ended: (error) => this.#end(error ?? localError("CLOSED")),
      disowned: () => this.#current.leave(),
    });
  }

  get session(): string {
    return this.#current.session.id;
  }

  get status(): Status {
    return this.#connection.status;
  }

  get pending(): readonly Fate[] {
    return this.#outbox.entries.flatMap((entry) => fateOf(entry, null) ?? []);
  }

  connect(): void {
    if (this.#ended) for (const room of this.#rooms.values()) room.begin();
    this.#ended = null;
    this.#connection.connect();
  }

  reconnect(): void {
    if (this.status.state !== "closed" && !this.#changesUser()) this.#connection.redial();
  }

  close(): void {
    this.#connection.close();
  }

  join(name: string, options: JoinOptions = {}): JoinedRoom {
    const definition = this.#definition(name);
    const former = this.#rooms.get(name);
    if (former?.face && former.status.state !== "left") return former.face;
    const room = new RoomState(this.#roomContext, name, options);
    const face = (room.face = new JoinedRoom(this, room, definition));
    if (former) room.wire = former.wire;
    this.#rooms.set(name, room);
    if (this.#ended) room.lost(this.#ended);
    else room.join();
    return face;
  }

  publish(room: string, event: string, payload: unknown): Publish {
    if (this.#definition(room).events[event]?.kind !== "event") throw noEvent(room, event);
    let id = "";
    const promise = this.#call({ type: "publish", room, event }, payload, (entry) => (id = entry.id));
    return Object.assign(promise, { id }) as Publish;
  }

  request(
    name: string,
    input: unknown,
    { timeoutMs = requestTimeoutMs }: RequestCallOptions = {},
  ): Promise<unknown> {
    const definition = this.#options.contract.requests[name];
    if (definition?.kind !== "request") throw new TypeError(`the contract has no request "${name}"`);
    const { idempotent } = definition;
    let stopTimer: Undo = () => {};
    const reply = this.#call({ type: "request", request: name, idempotent }, input, ({ ref }) => {
      stopTimer = whenOverdue(this.#options.clock, timeoutMs, () => this.#outbox.expire(ref));
    });
    return reply.finally(() => stopTimer());
  }

  onStatus(listener: (status: Status) => void): Undo {
    return this.#connection.statuses.on(listener);
  }

  onFate(listener: (fate: Fate) => void): Undo {
    return this.#options.fates.on(listener);
  }

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

  #makeRoomContext(isOpen: () => boolean, send: (text: string) => void): RoomContext {
    const { report, say } = this.#options;
    return {
      session: () => this.session,
      isOpen,
      send: (text) => {
        if (!this.#changesUser()) send(text);
      },
      report,
      site: this.#site,
      say,
      leave: (room) => {
        if (isOpen()) send(encodeFrame({ type: "leave", room }));
        else this.#owedLeaves.add(room);
      },
      resync: (room) => this.#connection.giveUp(`publications of ${room} are missing`),
      forget: (room) => {
        if (this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
      },
    };
  }

  #definition(room: string): RoomDefinition {
    const match = this.#options.contract.matchRoom(room);
    if (!match) throw new TypeError(`no room pattern of the contract fits "${room}"`);
    return match.definition;
  }

  /** Sends a frame, unless the server would close the connection for its size. */
  #send(text: string): void {
    if (!fits(text, this.#payloadBytes)) throw localError("PAYLOAD_TOO_LARGE");
    this.#connection.send(text);
  }

  /** Asks the application who it is now, and connects anew where that is somebody else. */
  #changesUser(): boolean {
    const changes = this.#current.ask();
    if (changes) this.#connection.renew("the user is another one");
    return changes;
  }

  async #hello(): Promise<string> {
    const { frame, changes } = this.#current.session.hello(this.#helloRooms());
    await this.#journal.save(changes);
    return encodeFrame(frame);
  }

  /** The rooms to be in, as many as a hello may hold; the others are joined when it is answered. */
  #helloRooms(): JoinRequest[] {
    this.#owedLeaves.clear();
    const requests: JoinRequest[] = [];
    let text = "";
    for (const room of this.#rooms.values()) {
      room.lost();
      if (room.status.state === "left") continue;
      const request = room.joinRequest();
      const longer = text + encodeFrame({ type: "join", ...request });
      if (!fits(longer, this.#payloadBytes - helloHeadBytes)) continue;
      text = longer;
      room.wire = "joining";
      requests.push(request);
    }
    return requests;
  }

  /** False where the session was somebody else's before, and another one has to be opened. */
  #welcomed(frame: WelcomeFrame): boolean {
    const welcomed = this.#current.welcomed(frame);
    if (!welcomed) return false;
    this.user = frame.user;
    this.#payloadBytes = frame.payloadBytes;
    this.#outbox.opened({ ...frame, ...welcomed });
    return true;
  }

  #opened(): void {
    for (const room of this.#owedLeaves) this.#roomContext.leave(room);
    this.#owedLeaves.clear();
    // Those that were joined while the hello was on its way.
    for (const room of this.#rooms.values()) room.join();
    this.#outbox.pump();
  }

  #receive(frame: ServerFrame): void {
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
  }

  #receiveError(frame: ErrorFrame): void {
    const error = new BowlineError(frame.code, frame.message, frame);
    if (frame.ref === undefined) this.#rooms.get(frame.room)?.receiveError(frame.of, error);
    else this.#outbox.settle(frame.ref, { error });
  }

  #changed(entry: OutboxEntry, outcome: Outcome | null): void {
    if (outcome) this.#connection.answered();
    const fate = this.#options.fates.isHeard ? fateOf(entry, outcome) : null;
    if (fate) this.#options.fates.emit(fate);
  }
}
