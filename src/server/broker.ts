/**
 * The seam between a node and what its cluster shares: the rooms' logs, the sessions with their ledgers, and who is
 * present. Written to whoever implements one. The memory broker beside this file is a full implementation; there is no
 * other path for a publication than the one through here.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Member, Position } from "../protocol/frames.ts";

/**
 * Answers kept per session, and positions kept per session and room; also the largest window of calls. A client sends no
 * publish whose ref is a window or more above that of its oldest one without an answer, so those of a room that it can
 * still send again are among the newest window of them there: a ring of that size forgets nothing that matters.
 */
export const ledgerLength = 256;

/**
 * Positions kept per session where one ledger serves all rooms. A room that is slow lets others overtake it: a publish that
 * may still be sent again can have a window of higher refs stored after it, and a window of lower ones too.
 */
export const publishLedgerLength: number = 2 * ledgerLength;

/** Sessions looked at, at most, for one without a connection, before a bound on sessions is passed instead. */
export const evictionTries = 100;

/** Most bytes of answers, in UTF-8, kept per session; an older one that is asked for again counts as unanswered. */
export const answerBytesMax: number = 1024 * 1024;

/** How long a room's log is kept; whichever bound is reached first. */
export interface LogBound {
  readonly count: number;
  readonly ageMs: number;
  /** Bytes of the entries' data in UTF-8. The newest entry stays, however many it has. */
  readonly bytes: number;
}

/** What a log holds at some moment: the entries `base + 1` to `head`. Both are 0 while nothing was ever appended. */
export interface LogState {
  readonly epoch: string;
  /** Offset of the last entry that is no longer held. */
  readonly base: number;
  /** Offset of the newest entry. */
  readonly head: number;
}

/** One entry of a log. */
export interface LogEntry {
  readonly offset: number;
  /** A publication, as compact JSON: `{"id":…,"event":…,"from":…,"at":…,"payload":…}`. Opaque to a broker. */
  readonly data: string;
}

/** Entries read from a log. */
export interface LogPage extends LogState {
  /** Contiguous, rising, the first one at `after + 1`. Empty when there are none, or when `after` is below `base`. */
  readonly entries: readonly LogEntry[];
}

/** Who appends: what the ledger is kept by. */
export interface Origin {
  readonly session: string;
  readonly ref: number;
  /**
   * The name that the session's ledgers had when this was sent. If they have another one by now, what is known of this
   * was lost, and the answer is `unknown-session`. Absent: whichever they have.
   */
  readonly ledger?: string;
}

export interface AppendRequest {
  readonly room: string;
  readonly data: string;
  readonly bound: LogBound;
  /** Absent when the server itself publishes. */
  readonly origin?: Origin;
  /** Append only if the log ends exactly here: compare and set. Looked at after the ledger. */
  readonly ifAt?: Position;
}

export type AppendResult =
  | { readonly outcome: "stored"; readonly position: Position }
  /** This origin was stored before, at `position`. Nothing was appended. */
  | { readonly outcome: "repeated"; readonly position: Position }
  /** A higher ref of this session is in this log, and this one is not. Nothing was appended. */
  | { readonly outcome: "out-of-order" }
  /** `ifAt` was given and the log ends at `position` instead. Nothing was appended. */
  | { readonly outcome: "conflict"; readonly position: Position }
  /** The session has no ledger, or no longer. Nothing was appended: without one, a repeat would go unnoticed. */
  | { readonly outcome: "unknown-session" };

/** A connection attempt of a session. */
export interface SessionClaim {
  readonly session: string;
  readonly user: string;
  readonly generation: number;
}

export type SessionOpening =
  /** `ledger`: names the session's ledgers, drawn when they are begun. `ref`: the highest one carried out. */
  | { readonly outcome: "opened"; readonly ledger: string; readonly ref: number }
  /** As high a generation was opened before. */
  | { readonly outcome: "stale" }
  /** The session is another user's. */
  | { readonly outcome: "mismatch" };

export type RequestClaim =
  /** It is the caller's to run. */
  | { readonly outcome: "claimed" }
  /** It was answered before. */
  | { readonly outcome: "answered"; readonly answer: string }
  /** It was claimed before and never answered, or its answer is no longer held. */
  | { readonly outcome: "unanswered" }
  /** The session has no ledger, or no longer: as with {@link AppendResult}. */
  | { readonly outcome: "unknown-session" };

/** A change of who is present in a room. */
export interface PresenceChange {
  readonly set?: Member;
  readonly gone?: string;
  /** How many are present after it. */
  readonly count: number;
}

/** Who is present in a room. */
export interface Members {
  readonly count: number;
  /** Empty when there are more than were asked for. */
  readonly list: readonly Member[];
}

/**
 * What all nodes of a cluster should have alike, by name: the bounds of the rooms' logs, and what a broker adds of its own
 * options. (Contracts are compared by what nodes tell one another: see `tell`.) Short texts, the same in every language: numbers in digits, times in milliseconds.
 */
export type ClusterSettings = Readonly<Record<string, string>>;

/** What a node gives its broker to call. Every call returns at once and never throws. */
export interface BrokerSink {
  /** A new entry of a subscribed room. MUST be called in rising order of offset; MAY leave holes and repeat itself. */
  receiveEntry(room: string, epoch: string, entry: LogEntry): void;
  /** A signal in a subscribed room. */
  receiveSignal(room: string, key: string, data: string): void;
  /** A change in a subscribed room. MUST be in the order in which the changes were made. */
  receivePresence(room: string, change: PresenceChange): void;
  /** A session was opened with this generation somewhere in the cluster: older connections of it are over. */
  receiveOpened(session: string, generation: number): void;
  /** What this broker delivers of a subscribed room was interrupted: it is read again, whatever was missed. */
  receiveHole(room: string): void;
  /** What a node told this one, itself included. */
  receiveTold(message: string): void;
  /** The broker can't be reached, and why; or, with null, it can again. */
  receiveOutage(reason: Error | null): void;
  /** Something that the service holds is none of this system's, and was passed over: the error says what, and where. */
  receiveFault(error: Error): void;
  /**
   * The settings of this node, with those that the broker adds, and of each node that was there before it, by its id. Called
   * at the start, at most once: what differs is said to people. A broker that serves one node never calls it.
   */
  receiveSettings(own: ClusterSettings, others: ReadonlyMap<string, ClusterSettings>): void;
  /** Whether a session has a connection on this node. A broker that bounds how many it knows gives up others first. */
  isConnected(session: string): boolean;
}

/**
 * What a cluster shares.
 *
 * An implementation MUST make each call atomic, and carry out calls about one room in their order; MUST give the
 * publisher's own node its entries through the sink like any other node's; MUST NOT answer `append` before the entry is
 * as safe as the broker makes things; MUST begin a new epoch when it has, or may have, lost entries of a log from its
 * end; MUST keep a session's ledgers whole as long as it gives the same name for them, and answer `unknown-session` when
 * it has none, or reject with `UNCERTAIN` the refs that may be in what it lost. Room names, keys and data are well-formed text. A call that can't be carried out rejects: none waits for an outage to pass, for the node does that.
 * One that never can be, whatever happens, rejects with a `BowlineError`: that is not tried again, and the caller is told.
 */
export interface Broker {
  /** For people: `memory`, `redis`. */
  readonly name: string;
  /**
   * Called once, before anything else. `node` is this node's id, new for each process. Rejects when the service can't be
   * reached or can't do what is needed, with an error that names the option and its value (never a password). It is given up after 60 s.
   * `settings` are kept where other nodes find them as long as this one lives.
   */
  start(sink: BrokerSink, node: string, settings?: ClusterSettings): Promise<void>;
  /** Called once, at the end. It is given up after 30 s. */
  stop(): Promise<void>;

  /** Adds to a room's log, unless the ledger has this origin. Makes the log when there is none. */
  append(request: AppendRequest): Awaitable<AppendResult>;
  /** Where this origin was stored in this room; null if it was not, or if the ledger no longer holds it. */
  find(room: string, origin: Origin): Promise<Position | null>;
  /** Reads at most `limit` entries after the offset `after`. */
  read(room: string, after: number, limit: number): Promise<LogPage>;
  /** From its answer on, every entry after `head` reaches the sink, unless lost on the way, which leaves a hole. */
  subscribe(room: string, bound: LogBound): Promise<LogState>;
  unsubscribe(room: string): Promise<void>;

  /**
   * Gives a signal to every node that is subscribed. Of two with one `key`, the newer replaces the older. May be lost.
   * `data` is compact JSON, opaque to a broker: `{"event":…,"from":…,"session":…,"payload":…}`.
   */
  signal(room: string, key: string, data: string): void;

  /** Opens or resumes a session, if the generation is higher than any before. Tells every node that has it. */
  openSession(claim: SessionClaim): Promise<SessionOpening>;
  /** Says that these sessions are connected. One not renewed for `sessionTtlMs` may be forgotten. */
  renewSessions(sessions: readonly string[]): void;
  /** Takes a request to run. */
  claimRequest(origin: Origin): Awaitable<RequestClaim>;
  /** Stores the answer of a claimed request: compact JSON, opaque to a broker, `{"payload":…}` or `{"error":{…}}`. */
  answerRequest(origin: Origin, answer: string): Awaitable<void>;

  /**
   * Adds a member, or replaces its state, unless a higher generation has entered. It stays until it exits, or until
   * this node's lease runs out: a node that is gone takes its members with it, on every other node.
   */
  enter(room: string, member: Member, generation: number): Promise<void>;
  /** Takes a member away, unless a higher generation has entered since. */
  exit(room: string, session: string, generation: number): Promise<void>;
  /** Everybody present, the list only if it is no longer than `limit`. */
  members(room: string, limit: number): Promise<Members>;

  /** Tells one node something, or every node, this one included. May be lost. */
  tell(node: string | null, message: string): void;
  /** The nodes whose lease has not run out, this one included. */
  nodes(): Promise<readonly string[]>;
}
