/**
 * What a client keeps beyond its process, for those who write a store.
 *
 * @module
 */

/** A session, as far as it has to survive the client's process. */
export interface StoredSession {
  /** Opens the session. */
  readonly secret: string;
  /** Its public id, as the server told it; null before the first welcome. */
  readonly id: string | null;
  /** The last connection attempt. */
  readonly generation: number;
  /** Refs below this one may have been used. */
  readonly refs: number;
  /** Names the ledgers of the last welcome; empty before the first. */
  readonly ledger: string;
  /** Whose the publishes are: as the last welcome, or before any the application, said. Null while neither did. */
  readonly user: string | null;
  /** Of publishes with a ref below this one, nobody said whose they are. */
  readonly userRef: number;
}

/** A publish that is not settled. */
export interface StoredPublish {
  readonly ref: number;
  readonly room: string;
  readonly event: string;
  /** The payload as JSON. */
  readonly json: string;
  /** Whether it may have been sent. */
  readonly sent: boolean;
}

/** One change of what is stored. A store may keep them as a log, or apply them. */
export type StoreChange =
  | { readonly type: "session"; readonly session: StoredSession }
  | { readonly type: "put"; readonly publish: StoredPublish }
  /** Every publish up to this ref may have been sent. */
  | { readonly type: "sent"; readonly ref: number }
  /** This publish is settled: forget it. */
  | { readonly type: "settled"; readonly ref: number };

/** What a store held when it was opened. */
export interface StoredState {
  readonly session: StoredSession;
  /** In the order of their refs. */
  readonly publishes: readonly StoredPublish[];
}

/**
 * Keeps a client's session and outbox beyond its process, so that what was queued or sent is neither lost nor sent
 * twice after a restart or a page reload. One client at a time: a second one on the same store takes the session over.
 */
export interface Store {
  /** What it held when it was opened; null the first time. */
  readonly initial: StoredState | null;
  /**
   * Keeps changes, in order, all or none. Nothing they stand for is sent before this returns, or its promise resolves.
   * When it throws or rejects, the publish they stand for is refused.
   */
  save(changes: readonly StoreChange[]): void | Promise<void>;
}

/** The default: keeps nothing. A reload is a new session with an empty outbox. */
export const memoryStore: Store = { initial: null, save: () => {} };

/** Applies a change to a state: for stores that keep a state, and to read one that keeps the changes. Throws a `TypeError` on what is no change. */
export function applyChange(state: StoredState | null, change: StoreChange): StoredState {
  if (change.type === "session") return { session: change.session, publishes: state?.publishes ?? [] };
  if (!state) throw new TypeError("the first change must be a session");
  const { session, publishes } = state;
  switch (change.type) {
    case "put":
      return { session, publishes: [...publishes, change.publish] };
    case "sent":
      return {
        session,
        publishes: publishes.map((it) => (it.ref <= change.ref ? { ...it, sent: true } : it)),
      };
    case "settled":
      return { session, publishes: publishes.filter((it) => it.ref !== change.ref) };
    default:
      throw new TypeError(`unknown change ${JSON.stringify((change as { type?: unknown }).type)}`);
  }
}
