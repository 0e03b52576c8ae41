import { systemClock } from "../../base/clock.ts";
import { ledgerKey, type Keys } from "./keys.ts";
import { renewShare, stateBefore, type LedgerState } from "./ledger-states.ts";
import type { Topology } from "./topology.ts";

/** A session as this node last saw it. */
export interface KnownSession {
  /** The name of its ledgers. */
  readonly ledger: string;
  /** The data sets that its ledgers are in. */
  readonly incarnation: string;
  /** When it was last seen in Redis. */
  seenMs: number;
  /** When it was last asked about here: as long as its connection lives, it has to be known that it was lost. */
  usedMs: number;
  isLost: boolean;
  /** When the ledger of a room, by its channel, was last prolonged: it must exist. */
  readonly ledgers: Map<string, number>;
}

/** What was published by a session, one ledger for each room: kept as long as the session may come back for it. */
export class Ledgers {
  readonly #topology: Topology;
  readonly #keys: Keys;
  /** How long a ledger outlives the last look into it. */
  readonly ttlMs: number;

  constructor(topology: Topology, keys: Keys, ttlMs: number) {
    this.#topology = topology;
    this.#keys = keys;
    this.ttlMs = ttlMs;
  }

  /** Where a session's ledgers are listed. */
  listKey(session: string): string {
    return `${this.#keys.session(session)}:rooms`;
  }

  /** `canList`: whether the append itself can list it. */
  state(known: KnownSession, channel: string, canList: boolean): LedgerState {
    return stateBefore({
      isListed: known.ledgers.has(channel),
      prolongedMs: systemClock.elapsed() - (known.ledgers.get(channel) ?? -Infinity),
      ttlMs: this.ttlMs,
      canList,
    });
  }

  /** Lists a ledger with its session. `isNew`: it was appended with just now. */
  async list(session: string, known: KnownSession, channel: string, isNew: boolean): Promise<void> {
    if (known.ledgers.has(channel)) return;
    const nowMs = systemClock.elapsed();
    const key = this.listKey(session);
    const shard = this.#topology.shardOf(key);
    await Promise.all([
      shard.command("SADD", key, channel),
      shard.command("PEXPIRE", key, String(this.ttlMs)),
    ]);
    known.ledgers.set(channel, isNew ? nowMs : -Infinity);
  }

  /**
   * Prolongs all of a session that comes back; gives the highest ref that was published with, which is at the end of a
   * room's ledger, so that no publish has to note it twice. Null if one that is listed is gone.
   */
  async revive(session: string, known: KnownSession): Promise<number | null> {
    const nowMs = systemClock.elapsed();
    const asked = [...known.ledgers.keys()].map(async (channel) => {
      const key = ledgerKey(channel, session, known.ledger);
      const shard = this.#topology.shardOf(key);
      const [end, isThere] = await Promise.all([
        shard.command("GETRANGE", key, "-17", "-2"),
        shard.command("PEXPIRE", key, String(this.ttlMs)),
      ]);
      if (isThere) known.ledgers.set(channel, nowMs);
      return isThere ? Number(end) : null;
    });
    const ends = await Promise.all(asked);
    return ends.reduce(
      (highest, end) => (highest === null || end === null ? null : Math.max(highest, end)),
      0,
    );
  }

  /** Prolongs those that were not written to for long; false if one is gone. */
  async prolong(session: string, known: KnownSession): Promise<boolean> {
    for (const channel of known.ledgers.keys()) {
      if (this.#isFresh(known, channel)) continue;
      const key = ledgerKey(channel, session, known.ledger);
      const nowMs = systemClock.elapsed();
      const isThere = await this.#topology.shardOf(key).command("PEXPIRE", key, String(this.ttlMs));
      if (!isThere) return false;
      known.ledgers.set(channel, nowMs);
    }
    return true;
  }

  /** Whether it was prolonged lately. */
  #isFresh({ ledgers }: KnownSession, channel: string): boolean {
    const prolongedMs = ledgers.get(channel) ?? -Infinity;
    return systemClock.elapsed() - prolongedMs < this.ttlMs * renewShare;
  }
}
