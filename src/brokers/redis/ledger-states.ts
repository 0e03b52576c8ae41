import type { AppendResult } from "../../server/broker.ts";

/**
 * What is known of a ledger before an append: "x" that it must exist, "xr" that its life has to be prolonged too; "n"
 * nothing, so that it is listed with the session; "r" nothing, and it has to be listed afterwards.
 */
export type LedgerState = "x" | "xr" | "n" | "r";

/** Share of its life after which a session, or a ledger, is prolonged. */
export const renewShare: number = 1 / 8;

/** What a node knows of a ledger. */
export interface LedgerKnowledge {
  /** Whether it was listed with the session, or written to: it must exist. */
  readonly isListed: boolean;
  /** How long ago its life was prolonged, as far as this node knows; null if it does not. */
  readonly prolongedMs: number | null;
  readonly ttlMs: number;
  /** Whether the append can list it: the list lies on another server in a Redis Cluster. */
  readonly canList: boolean;
}

/** What to tell the script that appends. */
export function stateBefore({ isListed, prolongedMs, ttlMs, canList }: LedgerKnowledge): LedgerState {
  if (!isListed) return canList ? "n" : "r";
  return prolongedMs !== null && prolongedMs < ttlMs * renewShare ? "x" : "xr";
}

/**
 * What has to be done before an append is answered: "lose" all ledgers of the session, for one that must exist does not;
 * "list" this one with the session; "note" that it exists and was prolonged now; or "nothing".
 */
export function dutyAfter(
  state: LedgerState,
  outcome: AppendResult["outcome"],
): "lose" | "list" | "note" | "nothing" {
  if (outcome === "unknown-session") return "lose";
  // One that was repeated may never have been listed: the node that stored it may be gone.
  if (state === "r") return outcome === "stored" || outcome === "repeated" ? "list" : "nothing";
  return outcome === "stored" && state !== "x" ? "note" : "nothing";
}

/** What a node knows of a session, when it is asked to do something for it. */
export interface SessionKnowledge {
  /** The ledgers that it saw last; null if it never saw the session. */
  readonly ledger: string | null;
  /** Those that are meant; null for whichever there are. */
  readonly meant: string | null;
  /** Whether no data set has changed since it was seen. */
  readonly isSameData: boolean;
  /** How long ago its record was seen, or prolonged. */
  readonly seenMs: number;
  readonly ttlMs: number;
  /** Whether this node found that something of it is gone. */
  readonly isLost: boolean;
}

/** Whether it can be relied on: "whole"; "gone", so that the answer is `unknown-session`; or "ask" Redis for its record. */
export function judgeSession(known: SessionKnowledge): "whole" | "gone" | "ask" {
  const { ledger, meant, isSameData, seenMs, ttlMs, isLost } = known;
  if (ledger === null || (meant !== null && meant !== ledger)) return "ask";
  return !isLost && isSameData && seenMs < ttlMs ? "whole" : "gone";
}
