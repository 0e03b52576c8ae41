import type { Clock, Undo } from "../../base/clock.ts";
import { explain, isOutage, lasts, type Database } from "./database.ts";

/** What {@link GroupCommit} needs. */
export interface GroupCommitContext {
  readonly database: Database;
  readonly file: string;
  /** Throws where the file is not the one that was opened. */
  readonly guard: () => void;
  readonly clock: Clock;
  /** Nothing of a transaction has happened: what is remembered of it does not hold. */
  readonly rolledBack: () => void;
  /** The file can't be written, and why; null: it can again. */
  readonly outage: (reason: Error | null) => void;
}

interface Waiting {
  /** What it stores, as far as that may be much. */
  readonly text: string;
  carryOut(): void;
  answer(): void;
  reject(error: Error): void;
}

/** Calls in one transaction: the event loop stands still while it is carried out. */
const batchLength = 500;
const probeMs = 1000;

/**
 * Carries out calls in their order, those of one turn of the event loop in one transaction, and answers them once it is
 * committed: a sync to disk takes as long for one call as for hundreds.
 */
export class GroupCommit {
  readonly #context: GroupCommitContext;
  #waiting: Waiting[] = [];
  #isOut = false;
  /** That outage has no end while this process runs. */
  #isDamaged = false;
  /** Bytes of the largest batch that failed since the outage began. */
  #failedBytes = 0;
  #stopProbe: Undo | null = null;
  #isClosed = false;

  constructor(context: GroupCommitContext) {
    this.#context = context;
  }

  /**
   * `committed` is called with the result before the promise resolves, in the order of the calls. `text`: what is stored
   * by it, where that may be much.
   */
  run<T>(carryOut: () => T, committed?: (result: T) => void, text = ""): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error("the sqlite broker has been stopped"));
      let result: T;
      this.#waiting.push({
        text,
        carryOut: () => void (result = carryOut()),
        answer: () => {
          committed?.(result);
          resolve(result);
        },
        reject,
      });
      if (this.#waiting.length === 1) this.#context.clock.defer(() => this.#next());
    });
  }

  /** Carries out what waits, and nothing more. */
  close(): void {
    while (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, batchLength));
    this.#isClosed = true;
    this.#stopProbe?.();
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    this.#commit(this.#waiting.splice(0, batchLength));
    if (this.#waiting.length > 0) this.#context.clock.defer(() => this.#next());
  }

  #commit(batch: readonly Waiting[]): void {
    const { file } = this.#context;
    try {
      this.#transact(() => {
        for (const call of batch) call.carryOut();
      });
    } catch (error) {
      // One call that can't be carried out is no reason to refuse the others.
      if (batch.length > 1 && !isOutage(error)) {
        for (const call of batch) this.#commit([call]);
        return;
      }
      const reason = explain(error, file);
      if (isOutage(error)) this.#broken(error, reason, batch);
      for (const call of batch) call.reject(reason);
      return;
    }
    for (const call of batch) call.answer();
  }

  #transact(task: () => void): void {
    const { database, guard, rolledBack } = this.#context;
    try {
      database.exec("BEGIN");
      task();
      guard();
      database.exec("COMMIT");
    } catch (error) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // SQLite has done so by itself: a full disk, for one, makes it.
      }
      rolledBack();
      throw error;
    }
  }

  #broken(error: unknown, reason: Error, batch: readonly Waiting[]): void {
    const bytes = batch.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    this.#failedBytes = Math.max(this.#failedBytes, bytes);
    this.#isDamaged ||= lasts(error);
    if (this.#isDamaged) this.#stopProbe?.();
    if (this.#isOut) return;
    this.#isOut = true;
    this.#context.outage(reason);
    if (!this.#isDamaged) this.#probeLater();
  }

  /** Writes now and then, for nobody else may until the outage is over. */
  #probeLater(): void {
    this.#stopProbe = this.#context.clock.setTimer(probeMs, () => {
      try {
        this.#probe();
      } catch {
        return this.#probeLater();
      }
      this.#isOut = false;
      this.#failedBytes = 0;
      this.#context.outage(null);
    });
  }

  /**
   * As much as failed, for else the next calls would find the disk full again. The file keeps the room for them, and the
   * write-ahead log gives back what it took.
   */
  #probe(): void {
    const { database } = this.#context;
    const bytes = Math.ceil(this.#failedBytes / 2);
    this.#transact(() =>
      database.exec(`INSERT OR REPLACE INTO entries VALUES (0, 0, 0, hex(zeroblob(${bytes})))`),
    );
    this.#transact(() => database.exec("DELETE FROM entries WHERE room = 0"));
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
}
