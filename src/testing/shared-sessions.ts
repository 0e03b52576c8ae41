import { utf8Length } from "../base/utf8.ts";
import type { Position } from "../protocol/frames.ts";
import {
  answerBytesMax,
  ledgerLength,
  publishLedgerLength,
  type Origin,
  type RequestClaim,
  type SessionClaim,
  type SessionOpening,
} from "../server/broker.ts";

interface Ledger {
  readonly name: string;
  readonly user: string;
  generation: number;
  ref: number;
  renewedMs: number;
  /** The newest publishes, oldest first. */
  published: { readonly ref: number; readonly room: string; readonly position: Position }[];
  /** Claimed requests, oldest first; null while unanswered. */
  readonly answers: Map<number, string | null>;
  forgotten: number;
}

/** Ledgers as a store's disk has them. */
export interface SavedLedgers {
  readonly ledgers: ReadonlyMap<string, Ledger>;
  readonly writes: number;
}

/** What {@link SharedSessions} is made of. */
export interface SharedSessionsOptions {
  readonly nowMs: () => number;
  readonly ttlMs: number;
  readonly ledger: () => string;
  /** A session was forgotten; null: all of them. */
  readonly lost: (session: string | null, isHarm: boolean) => void;
}

/** The sessions of a {@link SharedStore}, each with its ledgers. */
export class SharedSessions {
  readonly #options: SharedSessionsOptions;
  #ledgers = new Map<string, Ledger>();
  #writes = 0;

  constructor(options: SharedSessionsOptions) {
    this.#options = options;
  }

  /** How often something was written. */
  get writes(): number {
    return this.#writes;
  }

  open({ session, user, generation }: SessionClaim): SessionOpening {
    this.#writes += 1;
    const ledger = this.#ledger(session);
    if (!ledger) {
      const name = this.#options.ledger();
      const renewedMs = this.#options.nowMs();
      const fresh = { name, user, generation, renewedMs, ref: 0, published: [], forgotten: 0 };
      this.#ledgers.set(session, { ...fresh, answers: new Map() });
      return { outcome: "opened", ledger: name, ref: 0 };
    }
    if (ledger.user !== user) return { outcome: "mismatch" };
    if (generation <= ledger.generation) return { outcome: "stale" };
    ledger.generation = generation;
    ledger.renewedMs = this.#options.nowMs();
    return { outcome: "opened", ledger: ledger.name, ref: ledger.ref };
  }

  renew(sessions: readonly string[]): void {
    for (const session of sessions) {
      const ledger = this.#ledger(session);
      if (ledger) ledger.renewedMs = this.#options.nowMs();
    }
  }

  isKnown(origin: Origin): boolean {
    return this.#ledgerOf(origin) !== undefined;
  }

  published(origin: Origin, room: string): Position | null {
    const { ref } = origin;
    const found = this.#ledgerOf(origin)?.published.find((it) => it.ref === ref && it.room === room);
    return found?.position ?? null;
  }

  isOvertaken({ session, ref }: Origin, room: string): boolean {
    return this.#ledger(session)?.published.some((it) => it.ref > ref && it.room === room) ?? false;
  }

  notePublished({ session, ref }: Origin, room: string, position: Position): void {
    const ledger = this.#ledger(session);
    if (!ledger) return;
    ledger.ref = Math.max(ledger.ref, ref);
    ledger.published.push({ ref, room, position });
    if (ledger.published.length > publishLedgerLength) ledger.published.shift();
  }

  claim(origin: Origin): RequestClaim {
    this.#writes += 1;
    const { ref } = origin;
    const ledger = this.#ledgerOf(origin);
    if (!ledger) return { outcome: "unknown-session" };
    ledger.ref = Math.max(ledger.ref, ref);
    const answer = ledger.answers.get(ref);
    if (typeof answer === "string") return { outcome: "answered", answer };
    if (answer === null || ref <= ledger.forgotten) return { outcome: "unanswered" };
    ledger.answers.set(ref, null);
    return { outcome: "claimed" };
  }

  answer(origin: Origin, answer: string): void {
    this.#writes += 1;
    const { ref } = origin;
    const ledger = this.#ledgerOf(origin);
    if (ledger?.answers.get(ref) !== null) return;
    // Put last: the newest answers are what is kept.
    ledger.answers.delete(ref);
    ledger.answers.set(ref, answer);
    let kept = 0;
    let bytes = 0;
    for (const text of ledger.answers.values()) {
      if (text === null) continue;
      kept += 1;
      bytes += utf8Length(text);
    }
    // What does not fit any more is forgotten, and may have run for all that anybody knows.
    for (const [oldest, text] of ledger.answers) {
      if (kept <= ledgerLength && bytes <= answerBytesMax) return;
      if (text === null) continue;
      kept -= 1;
      bytes -= utf8Length(text);
      ledger.answers.delete(oldest);
      ledger.forgotten = Math.max(ledger.forgotten, oldest);
    }
  }

  /** A copy of all there is. */
  save(): SavedLedgers {
    return { ledgers: copyOf(this.#ledgers), writes: this.#writes };
  }

  /** Has what was saved, and nothing else. */
  putBack({ ledgers }: SavedLedgers): void {
    this.#ledgers = copyOf(ledgers);
  }

  /** All of them are gone; only where that is harm is it noted. */
  wipe(isHarm: boolean): void {
    this.#ledgers.clear();
    if (isHarm) this.#options.lost(null, true);
  }

  /** Those it has. */
  names(): string[] {
    return [...this.#ledgers.keys()];
  }

  /** The ledgers of one session are gone. */
  lose(session: string): void {
    if (this.#ledgers.delete(session)) this.#options.lost(session, true);
  }

  #ledgerOf({ session, ledger: name }: Origin): Ledger | undefined {
    const ledger = this.#ledger(session);
    return name === undefined || ledger?.name === name ? ledger : undefined;
  }

  #ledger(session: string): Ledger | undefined {
    const ledger = this.#ledgers.get(session);
    if (!ledger || this.#options.nowMs() - ledger.renewedMs <= this.#options.ttlMs) return ledger;
    this.#ledgers.delete(session);
    this.#options.lost(session, false);
    return undefined;
  }
}

function copyOf(ledgers: ReadonlyMap<string, Ledger>): Map<string, Ledger> {
  return new Map(
    Array.from(ledgers, ([session, { published, answers, ...rest }]) => [
      session,
      { ...rest, published: [...published], answers: new Map(answers) },
    ]),
  );
}
