import { systemClock } from "../../base/clock.ts";
import { BowlineError } from "../../protocol/errors.ts";
import type { Position } from "../../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  LogBound,
  LogEntry,
  LogPage,
  LogState,
  Origin,
} from "../../server/broker.ts";
import { IndexedLog, type IndexedLogContext } from "./indexed-log.ts";
import { decodeMeta, encodedBytes, entriesOf, planAppends, type KnownAppend } from "./log-message.ts";
import type { RefTarget } from "./session-record.ts";
import type { Sessions } from "./sessions.ts";
import type { Stored } from "./stored.ts";
import { shortNameOf } from "./subjects.ts";

/** What the logs of all rooms have in common. */
export interface RoomLogContext extends IndexedLogContext {
  readonly sessions: Sessions;
  /** Most bytes of one message. */
  payloadBytesMax(): number;
}

interface Append {
  readonly request: AppendRequest;
  /** What its data takes in a message. */
  readonly bytes: number;
  settle(result: AppendResult): void;
  reject(error: unknown): void;
}

interface KnownSession extends KnownAppend {
  readonly append: Append;
  /** Whether the ref may have been carried out before: an old one is looked for everywhere. Settled: there is an answer. */
  ref: "unknown" | "new" | "old" | "settled";
  /** Behind which message of the stream an old ref is, if it was stored. */
  behind: number;
}

interface Query {
  /** Answers from the index, when that knows the whole log. */
  run(): Promise<void>;
  reject(error: unknown): void;
}

/** Left of a message for headers and what surrounds the entries. */
export const envelopeBytes: number = 32 * 1024;

/** The calls about one room's log, carried out in their order; those that wait together go together. */
export class RoomLog {
  readonly #context: RoomLogContext;
  readonly #room: string;
  readonly #shortName: string;
  readonly #log: IndexedLog;
  #queue: (Append | Query)[] = [];
  #working = false;
  /** The newest message that came live. */
  #live: Pick<Stored, "subject" | "seq"> = { subject: "", seq: 0 };

  constructor(context: RoomLogContext, room: string) {
    this.#context = context;
    this.#room = room;
    this.#shortName = shortNameOf(room);
    this.#log = new IndexedLog(context, room);
  }

  /** Resolves once nothing is removed any more. */
  settled(): Promise<void> {
    return this.#log.purging;
  }

  get idle(): boolean {
    return !this.#working;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    const bytes = encodedBytes(request.data);
    const bytesMax = this.#roomBytes;
    if (bytes > bytesMax)
      return Promise.reject(
        new BowlineError("PAYLOAD_TOO_LARGE", `NATS takes at most ${bytesMax} bytes here`),
      );
    return new Promise((settle, reject) => this.#add({ request, bytes, settle, reject }));
  }

  find(origin: Origin): Promise<Position | null> {
    return this.#query(async () => {
      const ledger = await this.#context.sessions.ledger(origin);
      if (ledger === null) return null;
      const { index } = this.#log;
      await this.#context.archive.complete(this.#room, index, ledger);
      const offset = index.ledger(ledger).refs.find(origin.ref);
      return offset === undefined ? null : { epoch: index.epoch, offset };
    });
  }

  async read(after: number, limit: number): Promise<LogPage> {
    // Where the entries are is looked up in its turn; getting them keeps nobody waiting.
    const pages = await this.#query(async () => this.#log.page(after, limit));
    const entries = await pages.entries();
    return entries ? { ...pages.state, entries } : this.read(after, limit);
  }

  /** The state of the log, which has this bound from here on. */
  subscribe(bound: LogBound): Promise<LogState> {
    return this.#query(async () => {
      await this.#log.setBound(bound);
      this.#log.purgeSoon();
      return this.#log.index.state(systemClock.now());
    });
  }

  /** A message that came live; gives its entries, or null when it is an old one. */
  receive(message: Stored): { readonly epoch: string; readonly entries: readonly LogEntry[] } | null {
    const { subject, seq } = message;
    // Each server that has a copy of the stream may send its messages, in order, and sooner or later than the others.
    if (this.#live.subject === subject && this.#live.seq >= seq) return null;
    this.#live = { subject, seq };
    if (this.#log.receive(message)) this.#query(async () => {}).catch(() => {});
    return { epoch: decodeMeta(message.meta).epoch, entries: entriesOf(message) };
  }

  /** Most that a message has for entries. */
  get #roomBytes(): number {
    return this.#context.payloadBytesMax() - envelopeBytes;
  }

  #query<T>(answer: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => answer().then(resolve, reject);
      this.#add({ run, reject });
    });
  }

  #add(item: Append | Query): void {
    this.#queue.push(item);
    if (this.#working) return;
    this.#working = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    // What is asked in one turn of the event loop goes together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const isAppend = "request" in (this.#queue[0] as Append | Query);
      const end = this.#queue.findIndex((item) => "request" in item !== isAppend);
      const items = this.#queue.splice(0, end < 0 ? this.#queue.length : end);
      try {
        if (isAppend) await this.#appendAll(items as Append[]);
        else await this.#answerAll(items as Query[]);
      } catch (error) {
        for (const item of items) item.reject(error);
      }
    }
    this.#working = false;
  }

  async #answerAll(queries: readonly Query[]): Promise<void> {
    await this.#log.refresh();
    for (const query of queries) await query.run();
  }

  async #appendAll(appends: readonly Append[]): Promise<void> {
    const isCompared = appends.some(({ request }) => request.ifAt);
    if (isCompared || !this.#log.isKnown) await this.#log.refresh(appends[0]?.request.bound);
    let left: KnownSession[] = [];
    for (const it of await Promise.all(appends.map((append) => this.#know(append)))) if (it) left.push(it);
    while (left.length > 0) {
      await this.#completeLedgers(left);
      const { index } = this.#log;
      const after = index.lastSeq;
      const { message, results } = planAppends(index, left, systemClock.now(), this.#roomBytes);
      const isSure = await this.#confirm(left, results);
      left = left.filter(({ ref }) => ref !== "settled");
      // What came in between, or turned out to be no new ref, may change the plan.
      if (!isSure || index !== this.#log.index || index.lastSeq !== after) continue;
      if (message && !(await this.#log.put(message.meta, message.texts))) {
        await this.#log.refresh();
        continue;
      }
      results.forEach((result, at) => left[at]?.append.settle(result));
      left = left.slice(results.length);
    }
    this.#log.purgeSoon();
  }

  /** Finds the session's ledgers; null, and answered, when it has none. */
  async #know(append: Append): Promise<KnownSession | null> {
    const { request, bytes } = append;
    if (!request.origin) return { append, request, bytes, origin: null, ref: "new", behind: 0 };
    const ledger = await this.#context.sessions.ledger(request.origin);
    if (ledger !== null)
      return { append, request, bytes, origin: [ledger, request.origin.ref], ref: "unknown", behind: 0 };
    append.settle({ outcome: "unknown-session" });
    return null;
  }

  /**
   * Makes sure of what was planned with what this node happens to know of the ledgers: notes with the sessions that refs
   * are about to be carried out. False when one is not above all before, and has to be looked for.
   */
  async #confirm(appends: readonly KnownSession[], results: readonly AppendResult[]): Promise<boolean> {
    const confirmed = appends.map(async (known, at) => {
      const { origin } = known.request;
      const outcome = results[at]?.outcome;
      if (!origin || !known.origin || (outcome !== "stored" && outcome !== "out-of-order")) return true;
      if (known.ref === "old") return this.#confirmOld(known, known.origin[0]);
      if (known.ref !== "unknown") return true;
      // The ledgers that were found, and no others: the session may have been lost and begun anew since.
      const raised = await this.#context.sessions.raise({ ...origin, ledger: known.origin[0] }, this.#target);
      if (raised) {
        known.ref = raised.isNew ? "new" : "old";
        known.behind = raised.behind;
      } else {
        known.ref = "settled";
        known.append.settle({ outcome: "unknown-session" });
      }
      return known.ref === "new";
    });
    return (await Promise.all(confirmed)).every(Boolean);
  }

  get #target(): RefTarget {
    return { room: this.#shortName, begin: this.#log.index.since, seq: this.#context.store.seen };
  }

  /** An old ref was found nowhere. Only if nothing is missing of where it would be, it was not stored. */
  #confirmOld(known: KnownSession, name: string): boolean {
    if (this.#log.index.ledger(name).since <= known.behind) return true;
    known.ref = "settled";
    known.append.reject(
      new BowlineError(
        "UNCERTAIN",
        "it may have been stored before: what the store knew of it was taken away",
      ),
    );
    return false;
  }

  /** Looks for what the log no longer holds; a ref above all before can't be anywhere yet. */
  async #completeLedgers(appends: readonly KnownSession[]): Promise<void> {
    const { index } = this.#log;
    const names = new Set(appends.map(({ origin, ref }) => (origin && ref === "old" ? origin[0] : "")));
    names.delete("");
    await Promise.all(Array.from(names, (name) => this.#context.archive.complete(this.#room, index, name)));
  }
}
