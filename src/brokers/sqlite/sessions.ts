import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Position } from "../../protocol/frames.ts";
import {
  evictionTries,
  publishLedgerLength,
  type Origin,
  type SessionClaim,
  type SessionOpening,
} from "../../server/broker.ts";
import type { Database } from "./database.ts";
import { toSql } from "./sql-text.ts";

/** What {@link Sessions} needs. */
export interface SessionsContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ttlMs: number;
  readonly max: number;
  isConnected(session: string): boolean;
}

/** A session's row. */
export interface Session {
  readonly id: string;
  readonly user: string;
  readonly ledger: string;
  readonly generation: number;
  readonly ref: number;
  readonly published: number;
  /** The highest ref of a publish. */
  readonly publishedRef: number;
  readonly answered: number;
  readonly answersLength: number;
  /** Requests up to here that are not known may have run. */
  readonly forgottenRef: number;
}

/** Sessions forgotten at a time. */
const sweepSessions = 500;
/** A renewal is written only when the last one is older than this share of the time a session is kept. */
const renewalShare = 0.125;

/** Sessions and the ledgers of their publishes, in the database. Every call is part of a transaction. */
export class Sessions {
  readonly #context: SessionsContext;
  readonly #statements: ReturnType<typeof prepare>;
  /** Adds up only while a process has the file: being down forgets nobody, nor does a wall clock that is set. */
  readonly #startMs: number;
  #count = 0;

  constructor(context: SessionsContext) {
    this.#context = context;
    this.#statements = prepare(context.database);
    const { latest } = this.#statements.latest.get() as { latest: number };
    this.#startMs = latest - context.clock.elapsed();
    this.recount();
  }

  /** Takes what the database says for true. */
  recount(): void {
    this.#count = (this.#statements.count.get() as { count: number }).count;
  }

  /** The session that an origin means, with the ledgers it means. */
  of({ session: id, ledger }: Origin): Session | undefined {
    const session = this.#find(id);
    return ledger === undefined || session?.ledger === ledger ? session : undefined;
  }

  open({ session: id, user, generation }: SessionClaim): SessionOpening {
    const session = this.#find(id);
    if (!session) {
      const ledger = this.#context.random.id(8);
      this.#statements.make.run(id, toSql(user), ledger, generation, this.#nowMs());
      this.#count += 1;
      this.#evict();
      return { outcome: "opened", ledger, ref: 0 };
    }
    if (session.user !== toSql(user)) return { outcome: "mismatch" };
    if (generation <= session.generation) return { outcome: "stale" };
    this.#statements.resume.run(generation, this.#nowMs(), id);
    return { outcome: "opened", ledger: session.ledger, ref: session.ref };
  }

  renew(ids: readonly string[]): void {
    const now = this.#nowMs();
    for (const id of ids) this.#statements.renew.run(now, id, now - renewalShare * this.#context.ttlMs);
  }

  /** Where this was published; null if it was not, or is no longer known. */
  published({ id, publishedRef }: Session, room: string, ref: number): Position | null {
    if (ref > publishedRef) return null;
    const found = this.#statements.published.get(id, ref, toSql(room)) as Position | undefined;
    return found ? { offset: found.offset, epoch: found.epoch } : null;
  }

  /** Whether a later publish of the session is in this room already. */
  isOvertaken({ id, publishedRef }: Session, room: string, ref: number): boolean {
    return ref < publishedRef && this.#statements.later.get(id, ref, toSql(room)) !== undefined;
  }

  notePublished({ id, published }: Session, { ref }: Origin, room: string, at: Position): void {
    this.#statements.addPublish.run(
      id,
      published % publishLedgerLength,
      ref,
      toSql(room),
      at.epoch,
      at.offset,
    );
    this.#statements.carriedOut.run(ref, ref, id);
  }

  /** Forgets those that were not renewed for too long, and those beyond the bound, some at a time. */
  sweep(): void {
    this.#evict();
    this.#forget(this.#statements.expired.all(this.#nowMs() - this.#context.ttlMs, sweepSessions));
  }

  /** However many sessions others open, a connected one is not given up for them. */
  #evict(): void {
    const now = this.#nowMs();
    // A file may come with more than one too many: it was made with a higher bound.
    for (let tries = 0; tries < evictionTries && this.#count > this.#context.max; tries += 1) {
      const [oldest] = this.#statements.oldest.all(1) as { id: string }[];
      if (!oldest) return;
      if (this.#context.isConnected(oldest.id)) this.#statements.renew.run(now, oldest.id, now);
      else this.#forget([oldest]);
    }
  }

  #find(id: string): Session | undefined {
    return this.#statements.find.get(id) as Session | undefined;
  }

  #forget(sessions: unknown[]): void {
    for (const { id } of sessions as { id: string }[]) {
      this.#statements.drop.run(id);
      this.#statements.dropPublishes.run(id);
      this.#statements.dropAnswers.run(id);
    }
    this.#count -= sessions.length;
  }

  #nowMs(): number {
    return Math.round(this.#startMs + this.#context.clock.elapsed());
  }
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- the names are the type
function prepare(database: Database) {
  return {
    latest: database.prepare("SELECT coalesce(max(renewed_ms), 0) AS latest FROM sessions"),
    count: database.prepare("SELECT count(*) AS count FROM sessions"),
    find: database.prepare(
      `SELECT id, user, ledger, generation, ref, published, published_ref AS publishedRef, answered,
        answers_length AS answersLength, forgotten_ref AS forgottenRef FROM sessions WHERE id = ?`,
    ),
    make: database.prepare(
      "INSERT INTO sessions (id, user, ledger, generation, renewed_ms) VALUES (?, ?, ?, ?, ?)",
    ),
    resume: database.prepare("UPDATE sessions SET generation = ?, renewed_ms = ? WHERE id = ?"),
    renew: database.prepare("UPDATE sessions SET renewed_ms = ? WHERE id = ? AND renewed_ms < ?"),
    carriedOut: database.prepare(
      `UPDATE sessions SET ref = max(ref, ?), published_ref = max(published_ref, ?), published = published + 1
        WHERE id = ?`,
    ),
    oldest: database.prepare("SELECT id FROM sessions ORDER BY renewed_ms LIMIT ?"),
    expired: database.prepare("SELECT id FROM sessions WHERE renewed_ms < ? ORDER BY renewed_ms LIMIT ?"),
    drop: database.prepare("DELETE FROM sessions WHERE id = ?"),
    dropPublishes: database.prepare("DELETE FROM publishes WHERE session = ?"),
    dropAnswers: database.prepare("DELETE FROM answers WHERE session = ?"),
    published: database.prepare(
      "SELECT offset, epoch FROM publishes WHERE session = ? AND ref = ? AND room = ?",
    ),
    later: database.prepare("SELECT 1 FROM publishes WHERE session = ? AND ref > ? AND room = ? LIMIT 1"),
    addPublish: database.prepare(
      "INSERT OR REPLACE INTO publishes (session, slot, ref, room, epoch, offset) VALUES (?, ?, ?, ?, ?, ?)",
    ),
  };
}
