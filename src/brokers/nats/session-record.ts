import { ledgerLength, type SessionClaim, type SessionOpening } from "../../server/broker.ts";

/** A session as it is stored. */
export interface SessionRecord {
  /** Names its ledgers. */
  readonly ledger: string;
  /** Ids of the streams that its ledgers are in: with one of those, they are lost. */
  readonly home: string;
  readonly user: string;
  readonly generation: number;
  /** The highest one carried out, or about to be. */
  readonly ref: number;
  /** Refs of the requests that were claimed, oldest first, at most {@link ledgerLength}. */
  readonly claims: readonly number[];
  /** The highest ref claimed that is no longer among them. */
  readonly forgotten: number;
  /** Where its newest {@link ledgerLength} refs went, the last used at the end. */
  readonly rooms: readonly RoomMark[];
}

/**
 * What was stored in a room from the ref `from` on is behind the message `seq` of the stream of logs; `last` is the
 * highest ref that went there.
 */
export type RoomMark = readonly [room: string, seq: number, from: number, last: number];

/** Where a ref is about to go. */
export interface RefTarget {
  /** The room, in short. */
  readonly room: string;
  /** The message that its log begins with, as far as this node knows it. */
  readonly begin: number;
  /** The newest message of the stream that this node knows of. */
  readonly seq: number;
}

/** What is known of a ref before it is carried out. */
export interface Raised {
  /** Whether it is above all before in that room: then it was not stored there yet. */
  readonly isNew: boolean;
  /** Behind which message of the stream an old one is, if it was stored. */
  readonly behind: number;
}

/** What a record becomes, null when nothing has to be stored, and what its caller is told. */
export interface RecordChange<T> {
  readonly record: SessionRecord | null;
  readonly result: T;
}

/** Opens or resumes a session; `fresh` gives the name of new ledgers. */
export function openRecord(
  held: SessionRecord | null,
  { user, generation }: SessionClaim,
  home: string,
  fresh: () => string,
): RecordChange<SessionOpening> {
  if (held && held.user !== user) return { record: null, result: { outcome: "mismatch" } };
  if (held && generation <= held.generation) return { record: null, result: { outcome: "stale" } };
  const record =
    held?.home === home
      ? { ...held, generation }
      : { ledger: fresh(), home, user, generation, ref: 0, claims: [], forgotten: 0, rooms: [] };
  return { record, result: { outcome: "opened", ledger: record.ledger, ref: record.ref } };
}

/** Notes that a ref is about to be carried out, and where. */
export function raiseRef(held: SessionRecord, ref: number, target: RefTarget): RecordChange<Raised> {
  const marks = held.rooms.filter(([room]) => room === target.room);
  const newest = marks.at(-1);
  if (!newest || newest[3] < ref) {
    const highest = Math.max(held.ref, ref);
    const rooms = roomsWith(held, ref, target, newest);
    return { record: { ...held, ref: highest, rooms }, result: { isNew: true, behind: 0 } };
  }
  // None that is below the first mark's went there before it.
  const [, behind] = marks.findLast(([, , from]) => from <= ref) ?? marks[0] ?? newest;
  return { record: null, result: { isNew: false, behind } };
}

/** A mark holds for the session's later refs too, until the room's log begins behind it: then they get one of their own. */
function roomsWith(
  held: SessionRecord,
  ref: number,
  { room, begin, seq }: RefTarget,
  newest: RoomMark | undefined,
): RoomMark[] {
  const isOf = newest !== undefined && newest[1] >= begin;
  const mark: RoomMark = isOf ? [room, newest[1], newest[2], ref] : [room, seq, ref, ref];
  const oldest = Math.max(held.ref, ref) - ledgerLength;
  // No ref that went elsewhere so long ago comes again.
  const others = held.rooms.filter((it) => it[3] > oldest && !(isOf && it === newest));
  return [...others, mark];
}

/** Takes a request to run, unless it was taken before, or may have been. */
export function claimRef(held: SessionRecord, ref: number): RecordChange<"claimed" | "held" | "forgotten"> {
  if (held.claims.includes(ref)) return { record: null, result: "held" };
  if (ref <= held.forgotten) return { record: null, result: "forgotten" };
  const claims = [...held.claims, ref];
  const { forgotten } = held;
  const dropped = claims.length > ledgerLength ? (claims.shift() as number) : 0;
  return {
    record: {
      ...held,
      ref: Math.max(held.ref, ref),
      claims,
      forgotten: Math.max(forgotten, dropped),
    },
    result: "claimed",
  };
}
