import type { Random } from "../base/random.ts";
import type { WelcomeFrame } from "../protocol/frames.ts";
import { Session, type Welcomed } from "./session.ts";
import type { StoredSession } from "./store.ts";

/** What a {@link CurrentSession} needs of the client. */
export interface CurrentSessionContext {
  readonly initial: StoredSession | null;
  readonly random: Random;
  /** Who the application says makes the calls; null where it does not say. */
  readonly user: () => string | null;
  /** The session was left: what is queued was somebody else's. */
  left(): void;
}

/** The session that calls are made in now: each belongs to one user, and is left for another when somebody else comes. */
export class CurrentSession {
  session: Session;
  readonly #context: CurrentSessionContext;
  /** The one that the last socket was welcomed with. */
  #opened: Session | null = null;
  /** Calls from this ref on were made during the present connection attempt, or later. */
  #dialRef = 0;
  /** Calls from this ref on were made while the present token was the one to connect with. */
  #tokenRef = 0;

  constructor(context: CurrentSessionContext) {
    this.#context = context;
    this.session = new Session(context.initial, context.random);
  }

  /** Whether the last socket is of this session: calls of another are not sent over it. */
  get isOpened(): boolean {
    return this.#opened === this.session;
  }

  /** An attempt begins. */
  dials(): void {
    this.#dialRef = this.session.nextRef;
  }

  /** Its token is not that of the attempt before. */
  hasNewToken(): void {
    this.#tokenRef = this.#dialRef;
  }

  /** Asks the application who makes the calls that follow. True where it is somebody else: then the session was left. */
  ask(): boolean {
    const user = this.#context.user();
    const former = this.session.stored.user;
    if (user === null || user === former) return false;
    if (former === null) this.session.claim(user);
    else this.leave(user);
    return former !== null;
  }

  /** Begins another session. Refs go on, so that none ever means two calls. */
  leave(user: string | null = null): void {
    this.session = new Session({ refs: this.session.nextRef, user }, this.#context.random);
    this.#context.left();
  }

  /** Takes note of a welcome; null where the session was somebody else's before, and was left. */
  welcomed(frame: WelcomeFrame): Welcomed | null {
    const { session } = this;
    if (session.isForeignTo(frame.user)) {
      this.leave();
      return null;
    }
    this.#opened = session;
    return session.welcomed(frame, this.#tokenRef);
  }
}
