import type { Random } from "../base/random.ts";
import { sessionIdOf } from "../protocol/session-id.ts";
import type { HelloFrame, JoinRequest } from "../protocol/frames.ts";
import type { StoreChange, StoredSession } from "./store.ts";

/** Refs reserved at a time: the store hears of a new block, not of every ref. */
const refBlock = 1000;

/** This client's session: who it is to the server, and how far its refs have risen. */
export class Session {
  /** The public id. */
  readonly id: string;
  #stored: StoredSession;
  #nextRef: number;

  constructor(initial: StoredSession | null, random: Random) {
    this.#stored = initial ?? { secret: random.id(36), generation: 0, refs: 1, epoch: "" };
    this.id = sessionIdOf(this.#stored.secret);
    this.#nextRef = this.#stored.refs;
  }

  /** What has to survive the process. */
  get stored(): StoredSession {
    return this.#stored;
  }

  /** The next ref, and what has to be stored before it is used. */
  takeRef(): { readonly ref: number; readonly changes: readonly StoreChange[] } {
    const ref = this.#nextRef++;
    if (ref < this.#stored.refs) return { ref, changes: [] };
    return { ref, changes: [this.#change({ refs: ref + refBlock })] };
  }

  /** The hello of the next connection attempt, and what has to be stored before it is sent. */
  hello(rooms: readonly JoinRequest[]): {
    readonly frame: HelloFrame;
    readonly changes: readonly StoreChange[];
  } {
    const changes = [this.#change({ generation: this.#stored.generation + 1 })];
    const { secret, generation } = this.#stored;
    return { frame: { type: "hello", secret, generation, rooms }, changes };
  }

  /** Takes note of the ledgers a welcome named. `lost`: those that earlier publishes are in are gone. */
  enterEpoch(
    epoch: string,
    ref: number,
  ): { readonly lost: boolean; readonly changes: readonly StoreChange[] } {
    const before = this.#stored.epoch;
    this.#nextRef = Math.max(this.#nextRef, ref + 1);
    if (epoch === before) return { lost: false, changes: [] };
    return { lost: before !== "", changes: [this.#change({ epoch })] };
  }

  #change(part: Partial<StoredSession>): StoreChange {
    this.#stored = { ...this.#stored, ...part };
    return { type: "session", session: this.#stored };
  }
}
