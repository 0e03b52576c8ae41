import type { Random } from "../base/random.ts";
import { sessionIdOf } from "../protocol/session-id.ts";
import type { HelloFrame, JoinRequest, WelcomeFrame } from "../protocol/frames.ts";
import type { StoreChange, StoredSession } from "./store.ts";

/** Refs reserved at a time: the store hears of a new block, not of every ref. */
const refBlock = 1000;

/** What a welcome means for a session. */
export interface Welcomed {
  /** The ledgers that earlier publishes are in are gone. */
  readonly lost: boolean;
  /** What has to be stored before anything is sent. */
  readonly changes: readonly StoreChange[];
  /** Whether the call with this ref is the user's that was welcomed. */
  readonly owns: (ref: number) => boolean;
}

/** This client's session: who it is to the server, whose calls are in it, and how far its refs have risen. */
export class Session {
  /** The public id. */
  readonly id: string;
  #stored: StoredSession;
  #nextRef: number;
  #isChanged = false;

  constructor(initial: Partial<StoredSession> | null, random: Random) {
    const secret = initial?.secret ?? random.id(36);
    this.#stored = { generation: 0, refs: 1, epoch: "", user: null, userRef: 0, ...initial, secret };
    this.id = sessionIdOf(secret);
    this.#nextRef = this.#stored.refs;
  }

  /** What has to survive the process. */
  get stored(): StoredSession {
    return this.#stored;
  }

  /** The ref of the next call. */
  get nextRef(): number {
    return this.#nextRef;
  }

  /** The application says whose calls follow, and nobody had. */
  claim(user: string): void {
    this.#stored = { ...this.#stored, user, userRef: this.#nextRef };
    this.#isChanged = true;
  }

  /** The next ref, and what has to be stored before it is used. */
  takeRef(): { readonly ref: number; readonly changes: readonly StoreChange[] } {
    const ref = this.#nextRef++;
    const { refs } = this.#stored;
    if (ref < refs && !this.#isChanged) return { ref, changes: [] };
    return { ref, changes: [this.#change({ refs: Math.max(refs, ref + refBlock) })] };
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

  /** Whether it was opened as somebody else before: whatever the server remembers, it is not this user's. */
  isForeignTo(user: string): boolean {
    const { epoch, user: owner } = this.#stored;
    return epoch !== "" && owner !== null && owner !== user && user !== this.id;
  }

  /**
   * Takes note of whom a welcome named, and of the ledgers. Of calls that nobody said the user of, those from `tokenRef`
   * on were made while the token of this connection was the one to connect with: they are this user's.
   */
  welcomed({ user, epoch, ref }: Pick<WelcomeFrame, "user" | "epoch" | "ref">, tokenRef: number): Welcomed {
    const { epoch: former, user: owner, userRef } = this.#stored;
    // A server that judges nobody takes the session for the user: then it is whoever made the call.
    const isOwn = user === this.id;
    this.#nextRef = Math.max(this.#nextRef, ref + 1);
    const now = isOwn && owner !== null ? owner : user;
    const isKnown = epoch === former && now === owner && userRef === 0;
    return {
      lost: former !== "" && epoch !== former,
      changes: isKnown ? [] : [this.#change({ epoch, user: now, userRef: 0 })],
      owns: (call) => isOwn || (owner !== null && call >= userRef ? owner === user : call >= tokenRef),
    };
  }

  #change(part: Partial<StoredSession>): StoreChange {
    this.#isChanged = false;
    this.#stored = { ...this.#stored, ...part };
    return { type: "session", session: this.#stored };
  }
}
