import { utf8Length } from "../../base/utf8.ts";
import { answerBytesMax, ledgerLength, type RequestClaim } from "../../server/broker.ts";
import type { Database } from "./database.ts";
import { fromSql, toSql } from "./sql-text.ts";
import type { Session } from "./sessions.ts";

/** A request: place 0 while it is not answered; after that, length 0 when the answer was too much to keep. */
interface Request {
  readonly ref: number;
  readonly place: number;
  readonly length: number;
  readonly answer: string;
}

/**
 * Requests this far below a new one are over, for a client has no more than a window of calls without an answer. Those
 * that were never answered are forgotten then: each end of a process in the middle of its work leaves some.
 */
const openRefs = 4 * ledgerLength;

/** The ledgers of the sessions' requests, in the database. Every call is part of a transaction. */
export class Answers {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  claim(session: Session, ref: number): RequestClaim {
    const { id, forgottenRef } = session;
    const request = this.#statements.find.get(id, ref) as Request | undefined;
    if (request)
      return request.length > 0 ? { outcome: "answered", answer: fromSql(request.answer) } : unanswered;
    // What was forgotten may have run: nobody can know any more.
    if (ref <= forgottenRef) return unanswered;
    this.#statements.claim.run(id, ref);
    const lowest = ref - openRefs;
    const isTime = lowest - forgottenRef > ledgerLength;
    if (isTime) this.#statements.dropOpen.run(id, lowest);
    this.#statements.claimed.run(ref, isTime ? lowest : forgottenRef, id);
    return { outcome: "claimed" };
  }

  answer(session: Session, ref: number, answer: string): void {
    const { id } = session;
    const request = this.#statements.find.get(id, ref) as Request | undefined;
    if (!request || request.place > 0) return;
    const place = session.answered + 1;
    const bytes = utf8Length(answer);
    this.#statements.answer.run(place, bytes, toSql(answer), id, ref);
    const forgotten = this.#forget(id, place - ledgerLength);
    let length = session.answersLength + bytes - (forgotten?.length ?? 0);
    if (length > answerBytesMax) length = this.#shrink(id, length);
    this.#statements.answered.run(place, length, forgotten?.ref ?? 0, id);
  }

  #forget(session: string, place: number): Request | undefined {
    const oldest = this.#statements.atPlace.get(session, place) as Request | undefined;
    if (place > 0 && oldest) this.#statements.drop.run(session, oldest.ref);
    return place > 0 ? oldest : undefined;
  }

  /** Gives up the oldest answers until the rest is short enough; gives its length. */
  #shrink(session: string, length: number): number {
    let left = length;
    for (const { ref, length: freed } of this.#statements.kept.all(session) as Request[]) {
      if (left <= answerBytesMax) break;
      this.#statements.empty.run(session, ref);
      left -= freed;
    }
    return left;
  }
}

const unanswered: RequestClaim = { outcome: "unanswered" };

// oxlint-disable-next-line typescript/explicit-function-return-type -- the names are the type
function prepare(database: Database) {
  return {
    find: database.prepare("SELECT ref, place, length, answer FROM answers WHERE session = ? AND ref = ?"),
    claim: database.prepare("INSERT INTO answers (session, ref) VALUES (?, ?)"),
    claimed: database.prepare("UPDATE sessions SET ref = max(ref, ?), forgotten_ref = ? WHERE id = ?"),
    answer: database.prepare(
      "UPDATE answers SET place = ?, length = ?, answer = ? WHERE session = ? AND ref = ?",
    ),
    answered: database.prepare(
      "UPDATE sessions SET answered = ?, answers_length = ?, forgotten_ref = max(forgotten_ref, ?) WHERE id = ?",
    ),
    atPlace: database.prepare("SELECT ref, length FROM answers WHERE session = ? AND place = ?"),
    kept: database.prepare(
      "SELECT ref, length FROM answers WHERE session = ? AND place > 0 AND length > 0 ORDER BY place",
    ),
    empty: database.prepare("UPDATE answers SET length = 0, answer = '' WHERE session = ? AND ref = ?"),
    drop: database.prepare("DELETE FROM answers WHERE session = ? AND ref = ?"),
    dropOpen: database.prepare("DELETE FROM answers WHERE session = ? AND ref <= ? AND place = 0"),
  };
}
