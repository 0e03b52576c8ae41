import { systemClock } from "../../base/clock.ts";
import type { RecordChange, SessionRecord } from "./session-record.ts";
import type { Store } from "./store.ts";
import { tokenOf } from "./subjects.ts";

/** What a {@link SessionCell} needs of the stream of the records. */
export type RecordStore = Pick<Store, "subject" | "last" | "put">;

interface Pending {
  /** Changes a record, and keeps what to tell for it. */
  apply(record: SessionRecord | null): SessionRecord | null;
  settle(): void;
  reject(error: unknown): void;
}

/** Share of its time for which a record is taken to be there: early, for it is the server's clock that decides. */
const trustedShare = 0.75;

/**
 * One session's record on this node. Changes are made to what was read, and stored if that is still the newest; those that
 * come while one is stored go together with the next.
 */
export class SessionCell {
  readonly #store: RecordStore;
  readonly #session: string;
  readonly #ttlMs: number;
  #record: SessionRecord | null = null;
  #seq = 0;
  #subject = "";
  #storedMs = -Infinity;
  #pending: Pending[] = [];
  #working = false;
  #work: Promise<void> = Promise.resolve();

  constructor(store: RecordStore, session: string, ttlMs: number) {
    this.#store = store;
    this.#session = session;
    this.#ttlMs = ttlMs;
  }

  /** Resolves once everything that was asked for is done, one way or another. */
  settled(): Promise<void> {
    return this.#work;
  }

  get idle(): boolean {
    return !this.#working && this.#ageMs() > this.#ttlMs;
  }

  /** Makes a change of the record; null when there is none. `anew`: whatever this node knows of it. */
  change<T>(change: (record: SessionRecord | null) => RecordChange<T>, anew = false): Promise<T> {
    if (anew) this.#storedMs = -Infinity;
    return new Promise((resolve, reject) => {
      let result: T;
      const apply = (held: SessionRecord | null): SessionRecord | null => {
        const changed = change(held);
        ({ result } = changed);
        return changed.record ?? held;
      };
      this.#pending.push({ apply, settle: () => resolve(result), reject });
      if (!this.#working) this.#work = this.#carryOutAll();
    });
  }

  /** Stores the record again where that is due, so that it does not go as too old. */
  async renew(): Promise<void> {
    if (this.#ageMs() < this.#ttlMs / 4) return;
    // Another object is another record: that is what has it stored.
    await this.change((held) => ({ record: held && { ...held }, result: undefined }));
  }

  async #carryOutAll(): Promise<void> {
    this.#working = true;
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      try {
        while (!(await this.#carryOut(group))) this.#storedMs = -Infinity;
        for (const pending of group) pending.settle();
      } catch (error) {
        // It may have been stored, or not.
        this.#storedMs = -Infinity;
        for (const pending of group) pending.reject(error);
      }
    }
    this.#working = false;
  }

  /** False when another node stored something in between. */
  async #carryOut(group: readonly Pending[]): Promise<boolean> {
    const subject = this.#store.subject(tokenOf(this.#session));
    if (subject !== this.#subject || this.#ageMs() > this.#ttlMs * trustedShare) await this.#load(subject);
    const held = this.#record;
    let record = held;
    for (const pending of group) record = pending.apply(record);
    if (record === held || !record) return true;
    const startedMs = systemClock.elapsed();
    const seq = await this.#store.put(subject, { body: JSON.stringify(record) }, this.#seq);
    if (seq === null) return false;
    this.#record = record;
    this.#seq = seq;
    this.#storedMs = startedMs;
    return true;
  }

  async #load(subject: string): Promise<void> {
    const stored = await this.#store.last(subject);
    this.#subject = subject;
    this.#seq = stored?.seq ?? 0;
    this.#record = stored && (JSON.parse(stored.body) as SessionRecord);
    // How old it is already, nobody says: it is looked at again soon.
    this.#storedMs = systemClock.elapsed() - this.#ttlMs * (trustedShare - 0.05);
  }

  #ageMs(): number {
    return systemClock.elapsed() - this.#storedMs;
  }
}
