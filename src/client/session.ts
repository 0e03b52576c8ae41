import type { Random } from "../base/random.ts";
import type { ClientErrorName } from "../protocol/codes.ts";
import type { HelloFrame, JoinRequest, WelcomeFrame } from "../protocol/frames.ts";
import type { StoreChange, StoredSession } from "./store.ts";

/** Refs reserved at a time: the store hears of a new block, not of every ref. */
const refBlock = 1000;

/** What a {@link Session} needs of the client. */
export interface SessionContext {
  readonly random: Random;
  /** Who the application says makes the calls; null where it does not say. */
  readonly whose: () => string | null;
  readonly calls: {
    /**
     * The session was left: what is queued was somebody else's (`SESSION_MISMATCH`), or another client had a copy of it and
     * may have sent any of that (`UNCERTAIN`).
     */
    disown(code: ClientErrorName): void;
  };
}

/** What a welcome means for the calls of a session. */
export interface Welcomed {
  /** The ledgers that earlier publishes are in are gone. */
  readonly lost: boolean;
  /** Whether the call with this ref is the user's that was welcomed. */
  readonly owns: (ref: number) => boolean;
}

/**
 * The session that calls are made in: who this client is to the server, whose calls they are, and how far their refs have
 * risen. Each belongs to one user; when somebody else comes, it is left for a new one.
 */
export class Session {
  /** What has to survive the process. */
  stored!: StoredSession;
  /** Whether the store does not have that yet. */
  isChanged = false;
  /** Whether the last socket is of this session: calls of another are not sent over it. */
  isOpened = false;
  nextRef = 0;
  readonly #context: SessionContext;
  /** Calls from this ref on were made while the present token was the one to connect with. */
  #tokenRef = 0;

  constructor(initial: StoredSession | null, context: SessionContext) {
    this.#context = context;
    this.#begin(initial ?? {});
  }

  /** The token to connect with is another one, which the calls from this ref on were made for. */
  hasNewToken(ref: number): void {
    this.#tokenRef = ref;
  }

  /** The id of the publication that a call makes; null before the server has told the session's. */
  idOf(ref: number): string | null {
    const { id } = this.stored;
    return id && `${id}-${ref}`;
  }

  /** Asks the application who makes the calls that follow. True where it is somebody else: then the session was left. */
  ask(): boolean {
    const user = this.#context.whose();
    const former = this.stored.user;
    if (user === null || user === former) return false;
    // Where nobody had said whose the calls are, those that follow are this user's.
    if (former === null) this.#change({ user, userRef: this.nextRef });
    else this.leave(user);
    return former !== null;
  }

  /** Begins another session. Refs go on, so that none ever means two calls. */
  leave(user: string | null = null, code: ClientErrorName = "SESSION_MISMATCH"): void {
    this.#begin({ refs: this.nextRef, user });
    this.#context.calls.disown(code);
  }

  /** The ref of a call. The store has to have the session before it is used. */
  takeRef(): number {
    const ref = this.nextRef++;
    const { refs } = this.stored;
    if (ref >= refs) this.#change({ refs: Math.max(refs, ref + refBlock) });
    return ref;
  }

  /** The hello of the next connection attempt. The store has to have the session before it is sent. */
  hello(rooms: readonly JoinRequest[]): HelloFrame {
    this.#change({ generation: this.stored.generation + 1 });
    const { secret, generation } = this.stored;
    return { type: "hello", secret, generation, rooms };
  }

  /**
   * Takes note of the session's id, of whom a welcome named, and of the ledgers; null where the session was left: it was
   * somebody else's before, whatever the server remembers, or the store is an older copy of one that has got further. Of
   * calls that nobody said the user of, those made while the token of this connection was the one to connect with are
   * this user's.
   */
  welcomed(welcome: Pick<WelcomeFrame, "session" | "user" | "ledger" | "ref">): Welcomed | null {
    const { session: id, user, ledger, ref } = welcome;
    const { id: known, ledger: former, user: owner, userRef } = this.stored;
    // A server that judges nobody takes the session for the user: then it is whoever made the call.
    const isOwn = user === id;
    const copied = ref >= this.nextRef;
    if (copied || (former && owner !== null && owner !== user && !isOwn)) {
      this.leave(null, copied ? "UNCERTAIN" : undefined);
      return null;
    }
    const tokenRef = this.#tokenRef;
    this.isOpened = true;
    const now = isOwn && owner !== null ? owner : user;
    if (id !== known || ledger !== former || now !== owner || userRef)
      this.#change({ id, ledger, user: now, userRef: 0 });
    return {
      lost: former !== "" && ledger !== former,
      owns: (call) => isOwn || (owner !== null && call >= userRef ? owner === user : call >= tokenRef),
    };
  }

  /** What the store does not have yet, which it is about to get. */
  takeChanges(): StoreChange[] {
    if (!this.isChanged) return [];
    this.isChanged = false;
    return [{ type: "session", session: this.stored }];
  }

  #begin(initial: Partial<StoredSession>): void {
    const secret = initial.secret ?? this.#context.random.id(36);
    this.stored = {
      generation: 0,
      refs: 1,
      id: null,
      ledger: "",
      user: null,
      userRef: 0,
      ...initial,
      secret,
    };
    this.nextRef = this.stored.refs;
    // Its first ref or hello has the store keep it.
    this.isChanged = this.isOpened = false;
  }

  #change(part: Partial<StoredSession>): void {
    this.stored = { ...this.stored, ...part };
    this.isChanged = true;
  }
}
