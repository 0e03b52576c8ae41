import { ledgerLength, type SessionClaim, type SessionOpening } from "../../server/broker.ts";

/** A session as it is stored. */
export interface SessionRecord {
  /** Names its ledgers. */
  readonly epoch: string;
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
      : { epoch: fresh(), home, user, generation, ref: 0, claims: [], forgotten: 0 };
  return { record, result: { outcome: "opened", epoch: record.epoch, ref: record.ref } };
}

/** Notes that a ref is about to be carried out. Tells whether it is above all before. */
export function raiseRef(held: SessionRecord, ref: number): RecordChange<boolean> {
  const isNew = ref > held.ref;
  return { record: isNew ? { ...held, ref } : null, result: isNew };
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
