import { systemRandom } from "../../base/random.ts";
import type { Origin, RequestClaim, SessionClaim, SessionOpening } from "../../server/broker.ts";
import type { Answers } from "./answers.ts";
import { SessionCell } from "./session-cell.ts";
import {
  claimRef,
  openRecord,
  raiseRef,
  type Raised,
  type RecordChange,
  type RefTarget,
  type SessionRecord,
} from "./session-record.ts";
import type { Store } from "./store.ts";

/** Cells of sessions that this node last used long ago are given up beyond this many. */
const cellsMax = 200_000;

/** The sessions: who they are, and which of their calls were carried out. */
export class Sessions {
  readonly #store: Store;
  readonly #ttlMs: number;
  readonly #home: () => string;
  readonly #answers: Answers;
  /** In the order of their last use. */
  readonly #cells = new Map<string, SessionCell>();

  /** `home`: ids of the streams that ledgers are in. */
  constructor(store: Store, ttlMs: number, answers: Answers, home: () => string) {
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#answers = answers;
    this.#home = home;
  }

  open(claim: SessionClaim): Promise<SessionOpening> {
    const fresh = (): string => systemRandom.id(12);
    const change = (held: SessionRecord | null): RecordChange<SessionOpening> =>
      openRecord(held, claim, this.#home(), fresh);
    return this.#cell(claim.session).change(change, true);
  }

  /** Says that these are connected. What fails is made good by the next time, or by the next use. */
  renew(sessions: readonly string[]): void {
    for (const session of sessions)
      this.#cell(session)
        .renew()
        .catch(() => {});
  }

  /** The name of a session's ledgers; null when it has none. */
  ledger(origin: Origin): Promise<string | null> {
    return this.#change(origin, ({ ledger }) => ({ record: null, result: ledger }));
  }

  /** Notes that a ref is about to be carried out, and where. Null when the session has no ledgers. */
  raise(origin: Origin, target: RefTarget): Promise<Raised | null> {
    return this.#change(origin, (held) => raiseRef(held, origin.ref, target));
  }

  async claimRequest(origin: Origin): Promise<RequestClaim> {
    const { session, ref } = origin;
    const claim = await this.#change(origin, (held) => {
      const { record, result } = claimRef(held, ref);
      return { record, result: { state: result, ledger: held.ledger } };
    });
    if (!claim) return { outcome: "unknown-session" };
    if (claim.state === "claimed") return { outcome: "claimed" };
    if (claim.state === "forgotten") return { outcome: "unanswered" };
    const answer = await this.#answers.find(session, claim.ledger, ref);
    return answer === null ? { outcome: "unanswered" } : { outcome: "answered", answer };
  }

  async answerRequest(origin: Origin, answer: string): Promise<void> {
    const { session, ref } = origin;
    const ledger = await this.#change(origin, ({ ledger, claims }) => ({
      record: null,
      result: claims.includes(ref) ? ledger : null,
    }));
    if (ledger !== null) await this.#answers.store(session, ledger, ref, answer);
  }

  /** Resolves once no record is being written. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#cells.values(), (cell) => cell.settled()));
  }

  /** Forgets what this node knows of sessions it has not used for long. */
  sweep(): void {
    for (const [session, cell] of this.#cells) {
      if (!cell.idle) break;
      this.#cells.delete(session);
      this.#answers.forget(session);
    }
  }

  /**
   * Makes a change, unless the ledgers that are meant are no longer those of the session: then null. What was read some
   * time ago is no ground for that: the session may have been opened elsewhere since.
   */
  async #change<T>(
    { session, ledger }: Origin,
    change: (record: SessionRecord) => RecordChange<T>,
  ): Promise<T | null> {
    const cell = this.#cell(session);
    const attempt = (anew: boolean): Promise<{ readonly done: T } | null> =>
      cell.change<{ readonly done: T } | null>((held) => {
        // Asked when the change is made: what it waited for may have been an outage, and the streams be others by now.
        const isMeant = held?.home === this.#home() && (ledger === undefined || held.ledger === ledger);
        if (!isMeant) return { record: null, result: null };
        const { record, result } = change(held);
        return { record, result: { done: result } };
      }, anew);
    const made = (await attempt(false)) ?? (await attempt(true));
    return made && made.done;
  }

  #cell(session: string): SessionCell {
    const cell = this.#cells.get(session) ?? new SessionCell(this.#store, session, this.#ttlMs);
    this.#cells.delete(session);
    this.#cells.set(session, cell);
    if (this.#cells.size > cellsMax) this.sweep();
    return cell;
  }
}
