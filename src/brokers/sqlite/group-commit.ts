import type { Clock, Undo } from "../../base/clock.ts";
import { explain, isOutage, type Database } from "./database.ts";

/** What {@link GroupCommit} needs. */
export interface GroupCommitContext {
  readonly database: Database;
  readonly file: string;
  readonly clock: Clock;
  /** Nothing of a transaction has happened: what is remembered of it does not hold. */
  readonly rolledBack: () => void;
  /** The file can't be written, and why; null: it can again. */
  readonly outage: (reason: Error | null) => void;
}

interface Waiting {
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
  #stopProbe: Undo | null = null;
  #isClosed = false;

  constructor(context: GroupCommitContext) {
    this.#context = context;
  }

  /** `committed` is called with the result before the promise resolves, in the order of the calls. */
  run<T>(carryOut: () => T, committed?: (result: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error("the sqlite broker has been stopped"));
      let result: T;
      this.#waiting.push({
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
      if (isOutage(error)) this.#broken(reason);
      for (const call of batch) call.reject(reason);
      return;
    }
    for (const call of batch) call.answer();
  }

  #transact(task: () => void): void {
    const { database, rolledBack } = this.#context;
    try {
      database.exec("BEGIN");
      task();
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

  #broken(reason: Error): void {
    if (this.#isOut) return;
    this.#isOut = true;
    this.#context.outage(reason);
    this.#probeLater();
  }

  /** Writes something now and then, for nobody else may until the outage is over. */
  #probeLater(): void {
    this.#stopProbe = this.#context.clock.setTimer(probeMs, () => {
      try {
        this.#transact(() => this.#context.database.exec("UPDATE probes SET count = count + 1"));
      } catch {
        return this.#probeLater();
      }
      this.#isOut = false;
      this.#context.outage(null);
    });
  }
}
