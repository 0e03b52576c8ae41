import { toJson } from "#client/help";
import type { Clock } from "../base/clock.ts";
import { fits } from "../base/utf8.ts";
import type { ClientErrorName } from "../protocol/codes.ts";
import type { BowlineError } from "../protocol/errors.ts";
import {
  frameText,
  localError,
  longestRef,
  type Call,
  type Outcome,
  type OutboxEntry,
} from "./outbox-entry.ts";
import type { OutboxLimits } from "./client-types.ts";
import type { Session, Welcomed } from "./session.ts";
import type { Save } from "./journal.ts";
import type { StoreChange, StoredPublish } from "./store.ts";

const storeRetryMs = 1000;

/** What a new connection means for what is waiting. */
export interface Opening extends Welcomed {
  readonly window: number;
  readonly payloadBytes: number;
}

/** What an {@link Outbox} needs of the client. */
export interface OutboxContext {
  readonly clock: Clock;
  readonly save: Save;
  readonly identity: Session;
  /** Whether calls may be sent now. */
  takesCalls(): boolean;
  /** Sends a frame. */
  send(text: string): void;
  /** An entry came or was sent (no outcome), or was settled (with one). */
  changed(entry: OutboxEntry, outcome?: Outcome): void;
  readonly report: (error: unknown) => void;
}

/**
 * Everything that was asked of the server and is not settled: a log with rising refs, sent in order, at most a window
 * at a time, and sent again in order over the next socket when one breaks.
 */
export class Outbox {
  readonly #context: OutboxContext;
  readonly #limits: OutboxLimits;
  readonly queue: OutboxEntry[] = [];
  #length = 0;
  /** How many of the first queue were sent over this socket. */
  #inFlight = 0;
  #window = 0;
  /** What the server takes, which the first welcome says. */
  #payloadBytes = Infinity;
  /** Goes on after the save that nothing may be sent before. */
  #wait: (() => void) | null = null;

  /** `initial`: what an earlier process left. */
  constructor(context: OutboxContext, limits: OutboxLimits, initial: readonly StoredPublish[] = []) {
    this.#context = context;
    this.#limits = limits;
    for (const { ref, room, event, json, sent } of initial) {
      this.#push({
        id: this.#context.identity.idOf(ref),
        ref,
        call: { type: "publish", room, event },
        json,
        sent,
        stored: true,
        marked: sent,
        expired: false,
        settled: ignore,
      });
    }
  }

  /** Whether something that was sent over this socket is not settled. */
  get awaitsAnswers(): boolean {
    return this.#inFlight > 0;
  }

  /** Adds a call; throws what refuses it, and a `TypeError` on a payload that is nothing for JSON. */
  add(call: Call, payload: unknown, settled: (outcome: Outcome) => void): OutboxEntry {
    const json = toJson(payload);
    this.#checkBounds(call, json);
    const ref = this.#context.identity.takeRef();
    const entry: OutboxEntry = {
      id: this.#context.identity.idOf(ref),
      ref,
      call,
      json,
      sent: false,
      stored: false,
      marked: this.#goesAtOnce(ref),
      expired: false,
      settled,
    };
    const saved = this.#save(entry);
    this.#push(entry);
    this.#context.changed(entry);
    if (saved) {
      saved.then(
        () => this.#markStored(entry),
        (error: unknown) => {
          this.#context.report(error);
          this.settle(ref, { error: localError("STORE_FAILED") });
        },
      );
    } else {
      this.#markStored(entry);
    }
    return entry;
  }

  /** A connection was opened. */
  opened({ window, payloadBytes, lost, owns }: Opening): void {
    this.#window = window;
    this.#payloadBytes = payloadBytes;
    this.#inFlight = 0;
    // First what the welcome said, which is waited for; then what follows from it.
    this.#isSaved([], []);
    for (const entry of this.queue.slice()) {
      const { ref, call, json, expired } = entry;
      entry.id = this.#context.identity.idOf(ref);
      if (lost && call.type === "request" && call.idempotent) entry.sent = false;
      if (!owns(ref)) this.#refuse(entry, "SESSION_MISMATCH");
      else if (expired || (lost && entry.sent) || !fits(frameText(ref, call, json, true), payloadBytes))
        this.#refuse(entry, "PAYLOAD_TOO_LARGE");
    }
  }

  /** Tells whoever waits that nobody will answer. What is not settled stays, for the next connection or process. */
  abandon(error: BowlineError): void {
    for (const entry of this.queue) this.#answer(entry, { error });
  }

  /** Sends what may be sent. */
  pump(): void {
    if (!this.#context.takesCalls() || this.#wait) return;
    const ready = this.#ready();
    const unmarked = ready.findLast(({ call, marked }) => call.type === "publish" && !marked);
    if (!this.#isSaved(unmarked ? [{ type: "sent", ref: unmarked.ref }] : [], ready)) return;
    for (const entry of ready) {
      // Whoever is told of one may publish, close or reconnect: the next one is then on its way already, or not due.
      if (!this.#context.takesCalls() || this.queue[this.#inFlight] !== entry) return;
      this.#send(entry);
    }
  }

  /** Tells who waits for a call that it was not answered in time. */
  expire(ref: number): void {
    const [entry, index] = this.#find(ref);
    if (!entry) return;
    if (index >= this.#inFlight) return this.#refuse(entry, "TIMEOUT");
    this.#answer(entry, { error: localError("UNCERTAIN") });
    entry.expired = true;
  }

  /** Ends an entry; unknown refs (an answer that came twice) are passed over. */
  settle(ref: number, outcome: Outcome): void {
    const [entry, index] = this.#find(ref);
    if (!entry) return;
    this.queue.splice(index, 1);
    this.#length -= entry.json.length;
    if (index < this.#inFlight) this.#inFlight -= 1;
    if (entry.call.type === "publish") this.#keep([{ type: "settled", ref }], ignore, this.#context.report);
    this.#context.changed(entry, outcome);
    entry.settled(outcome);
    this.pump();
  }

  /** Ends every entry: the session was left, for a reason that says what became of what was never sent. */
  disown(code: ClientErrorName): void {
    for (const entry of this.queue.slice()) this.#refuse(entry, code);
  }

  /** Ends an entry for a reason that holds for what was never sent: of what was, nobody knows. */
  #refuse({ ref, sent }: OutboxEntry, code: ClientErrorName): void {
    this.settle(ref, { error: localError(sent ? "UNCERTAIN" : code) });
  }

  /** Tells who waits for an entry how it ended, once. */
  #answer(entry: OutboxEntry, outcome: Outcome): void {
    entry.settled(outcome);
    entry.settled = ignore;
  }

  #find(ref: number): readonly [entry: OutboxEntry | undefined, index: number] {
    const index = this.queue.findIndex((entry) => entry.ref === ref);
    return [this.queue[index], index];
  }

  #checkBounds(call: Call, json: string): void {
    const { count, length } = this.#limits;
    if (json.length > length || !fits(frameText(longestRef, call, json, true), this.#payloadBytes))
      throw localError("PAYLOAD_TOO_LARGE");
    if (this.queue.length >= count || this.#length + json.length > length) throw localError("OUTBOX_FULL");
  }

  #goesAtOnce(ref: number): boolean {
    const everythingIsSent = this.#inFlight === this.queue.length;
    return (
      this.#context.takesCalls() && everythingIsSent && this.#inFlight < this.#window && ref < this.#refsEnd()
    );
  }

  /**
   * The first ref that may not be sent yet. The server's ledger keeps the newest window of publishes: one without an
   * answer must be among them for as long as it may be sent again, however many later ones were answered.
   */
  #refsEnd(): number {
    const oldest = this.queue.find(({ call }) => call.type === "publish");
    return oldest ? oldest.ref + this.#window : Infinity;
  }

  #push(entry: OutboxEntry): void {
    this.queue.push(entry);
    this.#length += entry.json.length;
  }

  #markStored(entry: OutboxEntry): void {
    entry.stored = true;
    this.pump();
  }

  /** The next queue, as many as may be sent, up to the first one the store does not have yet. */
  #ready(): OutboxEntry[] {
    const next = this.queue.slice(this.#inFlight, Math.max(this.#inFlight, this.#window));
    const refsEnd = this.#refsEnd();
    const held = next.findIndex(({ stored, ref }) => !stored || ref >= refsEnd);
    return held < 0 ? next : next.slice(0, held);
  }

  /** Whether the store has these changes by now. If not, nothing is sent until it has them: the outbox then goes on. */
  #isSaved(changes: readonly StoreChange[], marked: readonly OutboxEntry[]): boolean {
    let isSaved = false;
    // A wait that began later than this one goes on by itself.
    const goOn = (): void => {
      if (this.#wait !== goOn) return;
      this.#wait = null;
      this.pump();
    };
    const saved = (): void => {
      isSaved = true;
      for (const entry of marked) entry.marked = true;
      goOn();
    };
    this.#keep(changes, saved, (error) => {
      this.#context.report(error);
      this.#context.clock.setTimer(storeRetryMs, goOn);
    });
    if (!isSaved) this.#wait = goOn;
    return isSaved;
  }

  /** Saves changes, and says when that is done, or what was in the way. */
  #keep(changes: readonly StoreChange[], done: () => void, failed: (error: unknown) => void): void {
    try {
      const saved = this.#context.save(changes);
      // oxlint-disable-next-line promise/no-callback-in-promise
      if (saved) saved.then(done, failed);
      else done();
    } catch (error) {
      failed(error);
    }
  }

  #send(entry: OutboxEntry): void {
    const { ref, call, json } = entry;
    const isFirst = !entry.sent;
    this.#inFlight += 1;
    entry.sent = entry.marked = true;
    this.#context.send(frameText(ref, call, json, !isFirst));
    if (isFirst) this.#context.changed(entry);
  }

  #save({ ref, call, json, marked }: OutboxEntry): Promise<void> | null {
    const put: StoreChange[] =
      call.type === "publish"
        ? [{ type: "put", publish: { ref, room: call.room, event: call.event, json, sent: marked } }]
        : [];
    try {
      return this.#context.save(put);
    } catch (error) {
      this.#context.report(error);
      throw localError("STORE_FAILED");
    }
  }
}

function ignore(): void {}
