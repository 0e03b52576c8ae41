import type { Undo } from "../../base/clock.ts";
import type { Member, Position } from "../../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  Broker,
  BrokerSink,
  LogBound,
  LogPage,
  LogState,
  Members,
  Origin,
  PresenceChange,
  RequestClaim,
  SessionClaim,
  SessionOpening,
} from "../../server/broker.ts";
import { Answers } from "./answers.ts";
import { closeDatabase, explain, fileGuard, openDatabase, type Database } from "./database.ts";
import { GroupCommit } from "./group-commit.ts";
import { Logs } from "./logs.ts";
import type { Settings } from "./options.ts";
import { Presence } from "./presence.ts";
import { Sessions } from "./sessions.ts";

const sweepMs = 5000;

/** What there is while the file is open. */
interface Opened {
  readonly database: Database;
  readonly calls: GroupCommit;
  readonly logs: Logs;
  readonly sessions: Sessions;
  readonly answers: Answers;
}

/** The broker over one SQLite file. */
export class SqliteBroker implements Broker {
  readonly name = "sqlite";
  readonly #settings: Settings;
  readonly #open: (file: string) => Promise<Database>;
  readonly #subscribed = new Set<string>();
  readonly #presence = new Presence();
  #opened: Opened | null = null;
  #sink: BrokerSink | null = null;
  #node = "";
  #stopSweep: Undo | null = null;

  /** `open` is for tests, whose disks are full when they want it. */
  constructor(settings: Settings, open: (file: string) => Promise<Database> = openDatabase) {
    this.#settings = settings;
    this.#open = open;
  }

  async start(sink: BrokerSink, node: string): Promise<void> {
    if (this.#sink) throw new Error("this sqlite broker has a node already: one broker serves one server");
    this.#sink = sink;
    this.#node = node;
    try {
      this.#opened = await this.#openAll();
    } catch (error) {
      // So that it may be started again.
      this.#sink = null;
      throw error;
    }
    this.#sweepLater();
  }

  async stop(): Promise<void> {
    this.#stopSweep?.();
    this.#opened?.calls.close();
    if (this.#opened) closeDatabase(this.#opened.database);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#call(
      (opened) => append(opened, request),
      (result) => {
        if (result.outcome === "stored") this.#tellEntry(request, result.position);
      },
      request.data,
    );
  }

  find(room: string, origin: Origin): Promise<Position | null> {
    return this.#call(({ sessions }) => {
      const session = sessions.of(origin);
      return session ? sessions.published(session, room, origin.ref) : null;
    });
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#call(({ logs }) => logs.read(room, after, limit));
  }

  subscribe(room: string, bound: LogBound): Promise<LogState> {
    // At once, not when it is carried out: what is committed together with it may be heard, and is in its answer.
    this.#subscribed.add(room);
    return this.#call(({ logs }) => logs.state(room, bound));
  }

  unsubscribe(room: string): Promise<void> {
    this.#subscribed.delete(room);
    return this.#call(({ logs }) => logs.touch(room));
  }

  signal(room: string, key: string, data: string): void {
    if (this.#subscribed.has(room)) this.#sink?.receiveSignal(room, key, data);
  }

  openSession(claim: SessionClaim): Promise<SessionOpening> {
    return this.#call(
      ({ sessions }) => sessions.open(claim),
      ({ outcome }) => {
        if (outcome === "opened") this.#sink?.receiveOpened(claim.session, claim.generation);
      },
    );
  }

  renewSessions(ids: readonly string[]): void {
    this.#call(({ sessions }) => sessions.renew(ids)).catch(ignore);
  }

  claimRequest(origin: Origin): Promise<RequestClaim> {
    return this.#call(({ sessions, answers }): RequestClaim => {
      const session = sessions.of(origin);
      return session ? answers.claim(session, origin.ref) : { outcome: "unknown-session" };
    });
  }

  answerRequest(origin: Origin, answer: string): Promise<void> {
    return this.#call(
      ({ sessions, answers }) => {
        const session = sessions.of(origin);
        if (session) answers.answer(session, origin.ref, answer);
      },
      undefined,
      answer,
    );
  }

  async enter(room: string, member: Member, generation: number): Promise<void> {
    this.#tellPresence(room, this.#presence.enter(room, member, generation));
  }

  async exit(room: string, session: string, generation: number): Promise<void> {
    this.#tellPresence(room, this.#presence.exit(room, session, generation));
  }

  async members(room: string, limit: number): Promise<Members> {
    return this.#presence.members(room, limit);
  }

  tell(node: string | null, message: string): void {
    if (node === null || node === this.#node) queueMicrotask(() => this.#sink?.receiveTold(message));
  }

  async nodes(): Promise<readonly string[]> {
    return [this.#node];
  }

  async #openAll(): Promise<Opened> {
    const { file } = this.#settings;
    const database = await this.#open(file);
    try {
      return this.#assemble(database);
    } catch (error) {
      closeDatabase(database);
      throw explain(error, file);
    }
  }

  #assemble(database: Database): Opened {
    const { file, clock, random, sessionTtlMs, sessionsMax, roomsMax } = this.#settings;
    const shared = { database, clock, random };
    const isUsed = (room: string): boolean => this.#subscribed.has(room) || this.#presence.hasAny(room);
    const logs = new Logs({ ...shared, roomsMax, isUsed });
    const isConnected = (session: string): boolean => this.#sink?.isConnected(session) ?? false;
    const sessions = new Sessions({ ...shared, ttlMs: sessionTtlMs, max: sessionsMax, isConnected });
    const calls = new GroupCommit({
      ...shared,
      file,
      guard: fileGuard(file),
      rolledBack: () => {
        logs.recount();
        sessions.recount();
      },
      outage: (reason) => this.#sink?.receiveOutage(reason),
    });
    return { database, calls, logs, sessions, answers: new Answers(database) };
  }

  #call<T>(carryOut: (opened: Opened) => T, committed?: (result: T) => void, text = ""): Promise<T> {
    const opened = this.#opened;
    if (!opened) return Promise.reject(new Error("the sqlite broker was not started"));
    return opened.calls.run(() => carryOut(opened), committed, text);
  }

  #tellEntry({ room, data }: AppendRequest, { offset, epoch }: Position): void {
    if (this.#subscribed.has(room)) this.#sink?.receiveEntry(room, epoch, { offset, data });
  }

  #tellPresence(room: string, change: PresenceChange | null): void {
    if (change && this.#subscribed.has(room)) this.#sink?.receivePresence(room, change);
  }

  #sweepLater(): void {
    this.#stopSweep = this.#settings.clock.setTimer(sweepMs, () => {
      this.#call(({ logs, sessions }) => {
        logs.sweep();
        sessions.sweep();
      }).catch(ignore);
      this.#sweepLater();
    });
  }
}

/** One append, ledger and log in one transaction. */
function append({ logs, sessions }: Opened, request: AppendRequest): AppendResult {
  const { room, data, bound, origin, ifAt } = request;
  const session = origin && sessions.of(origin);
  if (origin && !session) return { outcome: "unknown-session" };
  if (session && origin) {
    const position = sessions.published(session, room, origin.ref);
    if (position) return { outcome: "repeated", position };
    if (sessions.isOvertaken(session, room, origin.ref)) return { outcome: "out-of-order" };
  }
  const log = logs.open(room);
  if (ifAt && (ifAt.offset !== log.head || ifAt.epoch !== log.epoch))
    return { outcome: "conflict", position: { offset: log.head, epoch: log.epoch } };
  const position = logs.append(log, data, bound);
  if (session && origin) sessions.notePublished(session, origin, room, position);
  return { outcome: "stored", position };
}

function ignore(): void {}
