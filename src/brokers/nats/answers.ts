import { answerBytesMax, ledgerLength } from "../../server/broker.ts";
import type { Store } from "./store.ts";
import { tokenOf } from "./subjects.ts";

/** What stands in the header of a stored answer: whose ledgers, and the ref. */
type AnswerMeta = readonly [ledger: string, ref: number];

interface Kept {
  readonly ref: number;
  readonly bytes: number;
}

/**
 * Places for answers, as many for each session: the ref says which. Four times as many as have to be kept, so that a
 * request that runs long finds its own still there.
 */
const slots = 4 * ledgerLength;

/** The answers of requests, each in a message of its own. An empty one stands for what was too much to keep. */
export class Answers {
  readonly #store: Store;
  readonly #bytesMax: () => number;
  /** By session, oldest first: what this node stored, to keep within the bound. */
  readonly #kept = new Map<string, Kept[]>();

  constructor(store: Store, bytesMax: () => number) {
    this.#store = store;
    this.#bytesMax = bytesMax;
  }

  async find(session: string, ledger: string, ref: number): Promise<string | null> {
    const stored = await this.#store.last(this.#subject(session, ref));
    if (!stored || stored.body === "") return null;
    const [itsLedger, itsRef] = JSON.parse(stored.meta) as AnswerMeta;
    return itsLedger === ledger && itsRef === ref ? stored.body : null;
  }

  /** The first answer stays, and a later request's place is not taken by an earlier one's. */
  async store(session: string, ledger: string, ref: number, answer: string): Promise<void> {
    const subject = this.#subject(session, ref);
    const meta = JSON.stringify([ledger, ref] satisfies AnswerMeta);
    const answerBytes = Buffer.byteLength(answer);
    const [body, bytes] = answerBytes <= this.#bytesMax() ? [answer, answerBytes] : ["", 0];
    let last = 0;
    while ((await this.#store.put(subject, { meta, body }, last)) === null) {
      const held = await this.#store.last(subject);
      const [itsLedger, itsRef] = held ? (JSON.parse(held.meta) as AnswerMeta) : ["", 0];
      if (itsLedger === ledger && itsRef >= ref) return;
      last = held?.seq ?? 0;
    }
    await this.#keepWithinBound(session, ledger, { ref, bytes });
  }

  forget(session: string): void {
    this.#kept.delete(session);
  }

  async #keepWithinBound(session: string, ledger: string, newest: Kept): Promise<void> {
    const kept = this.#kept.get(session) ?? [];
    this.#kept.set(session, kept);
    kept.push(newest);
    if (kept.length > ledgerLength) kept.shift();
    let bytes = kept.reduce((sum, it) => sum + it.bytes, 0);
    while (bytes > answerBytesMax) {
      const oldest = kept.shift() as Kept;
      bytes -= oldest.bytes;
      await this.#empty(session, ledger, oldest.ref);
    }
  }

  async #empty(session: string, ledger: string, ref: number): Promise<void> {
    const subject = this.#subject(session, ref);
    const held = await this.#store.last(subject);
    const meta = JSON.stringify([ledger, ref] satisfies AnswerMeta);
    if (held?.meta === meta) await this.#store.put(subject, { meta, body: "" }, held.seq);
  }

  #subject(session: string, ref: number): string {
    return this.#store.subject(`answer.${tokenOf(session)}.${ref % slots}`);
  }
}
