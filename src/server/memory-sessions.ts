import type { Clock, Undo } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { RecentRefs } from "../base/recent-refs.ts";
import { utf8Length } from "../base/utf8.ts";
import type { Position } from "../protocol/frames.ts";
import {
  answerBytesMax,
  evictionTries,
  ledgerLength,
  publishLedgerLength,
  type Origin,
  type RequestClaim,
  type SessionClaim,
  type SessionOpening,
} from "./broker.ts";

interface SessionRecord {
  readonly ledger: string;
  readonly user: string;
  generation: number;
  ref: number;
  renewedMs: number;
  publishes: PublishLedger | null;
  answers: AnswerLedger | null;
}

/** What {@link MemorySessions} needs. */
export interface MemorySessionsContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly ttlMs: number;
  readonly max: number;
  /** Most bytes of answers, in UTF-8. */
  readonly answersBytesMax: number;
  isConnected(session: string): boolean;
}

/** Sessions of the memory broker, in the order of their last renewal. */
export class MemorySessions {
  readonly #context: MemorySessionsContext;
  readonly #records = new Map<string, SessionRecord>();
  /** Ledgers with answers, in the order of their last one. */
  readonly #answered = new Set<AnswerLedger>();
  #answersBytes = 0;
  #stopSweep: Undo | null = null;

  constructor(context: MemorySessionsContext) {
    this.#context = context;
  }

  stop(): void {
    this.#stopSweep?.();
    this.#stopSweep = null;
  }

  open({ session, user, generation }: SessionClaim): SessionOpening {
    const record = this.#records.get(session);
    if (!record) {
      const ledger = this.#context.random.id(8);
      this.#add(session, {
        ledger,
        user,
        generation,
        ref: 0,
        renewedMs: 0,
        publishes: null,
        answers: null,
      });
      return { outcome: "opened", ledger, ref: 0 };
    }
    if (record.user !== user) return { outcome: "mismatch" };
    if (generation <= record.generation) return { outcome: "stale" };
    record.generation = generation;
    this.#touch(session, record);
    return { outcome: "opened", ledger: record.ledger, ref: record.ref };
  }

  renew(sessions: readonly string[]): void {
    for (const session of sessions) {
      const record = this.#records.get(session);
      if (record) this.#touch(session, record);
    }
  }

  carriedOut({ session, ref }: Origin): void {
    const record = this.#records.get(session);
    if (record && ref > record.ref) record.ref = ref;
  }

  /** Null when the session is not, or no longer, known. */
  ledger(origin: Origin): PublishLedger | null {
    const record = this.#recordOf(origin);
    return record ? (record.publishes ??= new PublishLedger()) : null;
  }

  claimRequest(origin: Origin): RequestClaim {
    const record = this.#recordOf(origin);
    if (!record) return { outcome: "unknown-session" };
    record.ref = Math.max(record.ref, origin.ref);
    return (record.answers ??= new AnswerLedger()).claim(origin.ref);
  }

  answerRequest(origin: Origin, answer: string): void {
    const answers = this.#recordOf(origin)?.answers;
    if (!answers) return;
    this.#answersBytes += answers.answer(origin.ref, answer);
    this.#answered.delete(answers);
    this.#answered.add(answers);
    for (const oldest of this.#answered) {
      if (this.#answersBytes <= this.#context.answersBytesMax) break;
      this.#forgetAnswers(oldest);
    }
  }

  #forgetAnswers(answers: AnswerLedger): void {
    this.#answered.delete(answers);
    this.#answersBytes -= answers.forget();
  }

  #remove(session: string, { answers }: SessionRecord): void {
    this.#records.delete(session);
    if (answers) this.#forgetAnswers(answers);
  }

  #recordOf({ session, ledger }: Origin): SessionRecord | undefined {
    const record = this.#records.get(session);
    return ledger === undefined || record?.ledger === ledger ? record : undefined;
  }

  #add(session: string, record: SessionRecord): void {
    this.#touch(session, record);
    if (this.#records.size > this.#context.max) this.#evict();
    this.#sweepLater();
  }

  /** However many sessions others open, a connected one is not given up for them. */
  #evict(): void {
    let tries = 0;
    for (const [session, record] of this.#records) {
      if (tries === evictionTries) return;
      if (!this.#context.isConnected(session)) return this.#remove(session, record);
      this.#touch(session, record);
      tries += 1;
    }
  }

  #touch(session: string, record: SessionRecord): void {
    record.renewedMs = this.#context.clock.elapsed();
    this.#records.delete(session);
    this.#records.set(session, record);
  }

  #sweep(): void {
    this.#stopSweep = null;
    const oldestMs = this.#context.clock.elapsed() - this.#context.ttlMs;
    for (const [session, record] of this.#records) {
      if (record.renewedMs >= oldestMs) break;
      this.#remove(session, record);
    }
    if (this.#records.size > 0) this.#sweepLater();
  }

  #sweepLater(): void {
    const { clock, ttlMs } = this.#context;
    this.#stopSweep ??= clock.setTimer(ttlMs / 4, () => this.#sweep());
  }
}

interface Published {
  readonly room: string;
  readonly position: Position;
}

/** Where the newest publishes of one session stand, whatever the room. */
class PublishLedger {
  readonly #published = new RecentRefs<Published>(publishLedgerLength);

  find(room: string, ref: number): Position | null {
    // Nearly every ref is a new one: nothing is made for the question.
    if (ref > this.#published.highest) return null;
    return this.#published.find(ref, (published) => published.room === room)?.position ?? null;
  }

  /** Whether a later publish of the session is in this room already. */
  isOvertaken(room: string, ref: number): boolean {
    if (ref > this.#published.highest) return false;
    return this.#published.some((other, published) => other > ref && published.room === room);
  }

  add(room: string, ref: number, position: Position): void {
    this.#published.add(ref, { room, position });
  }
}

/** The newest requests of one session. An empty text stands for an answer that was too much to keep. */
class AnswerLedger {
  readonly #running = new Set<number>();
  readonly #answers = new RecentRefs<string>(ledgerLength);
  #bytes = 0;

  claim(ref: number): RequestClaim {
    const answer = this.#answers.find(ref);
    if (answer) return { outcome: "answered", answer };
    // What was forgotten may have run: nobody can know any more.
    if (answer === "" || this.#running.has(ref) || ref <= this.#answers.forgotten) return unanswered;
    this.#running.add(ref);
    return claimed;
  }

  /** Gives how many bytes more it has. */
  answer(ref: number, text: string): number {
    const before = this.#bytes;
    if (this.#running.delete(ref)) {
      const forgotten = this.#answers.add(ref, text);
      this.#bytes += utf8Length(text) - utf8Length(forgotten ?? "");
      this.#shrinkTo(answerBytesMax);
    }
    return this.#bytes - before;
  }

  /** Keeps no answer; gives how many bytes they had. */
  forget(): number {
    const before = this.#bytes;
    this.#shrinkTo(0);
    return before;
  }

  #shrinkTo(bytes: number): void {
    if (this.#bytes <= bytes) return;
    this.#answers.replaceOldest((text) => {
      if (this.#bytes <= bytes) return undefined;
      this.#bytes -= utf8Length(text);
      return "";
    });
  }
}

const unanswered: RequestClaim = { outcome: "unanswered" };
const claimed: RequestClaim = { outcome: "claimed" };
