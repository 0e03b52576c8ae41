import { memoryStore, type Store } from "../client/store.ts";
import { sessionIdOf } from "../protocol/session-id.ts";

/** A store that knows the ids of its client's publishes before any server has told the client its session's. */
export interface SessionWatch {
  readonly store: Store;
  /** The id that the publication of a call bears; empty for ref 0, which is a call that was refused at once. */
  readonly idOf: (ref: number) => string;
}

/** The same store: a client has it keep the session's secret, which the id follows from, before a ref of it is used. */
export function watchSession(store: Store = memoryStore): SessionWatch {
  let session = idOf(store.initial?.session);
  return {
    store: {
      initial: store.initial,
      save: (changes) => {
        for (const change of changes) if (change.type === "session") session = idOf(change.session);
        return store.save(changes);
      },
    },
    idOf: (ref) => (ref > 0 ? `${session}-${ref}` : ""),
  };
}

function idOf(session: { readonly secret: string } | undefined): string {
  return session ? sessionIdOf(session.secret) : "";
}
