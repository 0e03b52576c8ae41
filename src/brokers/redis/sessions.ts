import type { Awaitable } from "../../base/awaitable.ts";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import {
  answerLengthMax,
  ledgerLength,
  type AppendResult,
  type Origin,
  type RequestClaim,
  type SessionClaim,
  type SessionOpening,
} from "../../server/broker.ts";
import { ledgerKey, type Keys } from "./keys.ts";
import type { Script } from "./script.ts";
import { scripts } from "./scripts.ts";
import type { Topology } from "./topology.ts";

/** Most requests of a session of which anything is known: those answered, and about as many that still run. */
const requestsMax = 4 * ledgerLength;
/** Share of its life after which a session or ledger is prolonged. */
const renewShare = 1 / 8;

/** How much longer than its life one is kept in mind here: several heartbeats of its connection. */
const keptMs = 300_000;
/** Sessions asked about at a time. */
const askMax = 1000;

/** A session as this node last saw it. */
export interface KnownSession {
  readonly epoch: string;
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

/**
 * What is known of a ledger before an append: "x" that it must exist, "xr" that its life has to be prolonged too; "n"
 * nothing, so that it is listed with the session; "r" nothing, and it has to be listed afterwards.
 */
export type LedgerState = "x" | "xr" | "n" | "r";

/** A ledger that was appended with. */
interface NotedLedger {
  readonly session: string;
  readonly known: KnownSession;
  readonly state: LedgerState;
}

/** What Redis says of a session. */
interface Seen {
  readonly epoch: string;
  readonly incarnation: string;
  /** The channels of the rooms it has ledgers in. */
  readonly rooms: readonly string[];
}

/**
 * The sessions. Redis has them; this remembers those seen from here, and by which epoch their ledgers go. In a cluster
 * a session and its ledgers lie on different servers, so no step on one of them could ask whether the other is still
 * whole. What was seen here answers that: a session counts as long as no data set has changed since, and its record
 * can't have run out.
 */
export class Sessions {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #ttlMs: number;
  readonly #known = new Map<string, KnownSession>();

  constructor(topology: Topology, keys: Keys, ttlMs: number) {
    this.#topology = topology;
    this.#keys = keys;
    this.#ttlMs = ttlMs;
  }

  /** How long a ledger outlives the last look into it: longer than the session could without being seen. */
  get ledgerTtlMs(): number {
    return 2 * this.#ttlMs + 60_000;
  }

  async open({ session, user, generation }: SessionClaim): Promise<SessionOpening> {
    const { incarnation } = this.#topology;
    const drawn = systemRandom.id(8);
    const args = [user, generation, drawn, incarnation, this.#recordTtlMs];
    const reply = await this.#run(scripts.openSession, session, args);
    const [outcome, epoch, ref, rooms] = reply as [string, string, number, string[]];
    if (outcome !== "opened") return { outcome: outcome === "stale" ? "stale" : "mismatch" };
    this.#know(session, { epoch, incarnation, rooms });
    return { outcome, epoch, ref: Math.max(ref, await this.#newestPublish(session, epoch, rooms)) };
  }

  /** The session if it is whole: null if the ledgers that are meant may be gone. Looked up when it was never seen from here. */
  find({ session, epoch }: Origin): Awaitable<KnownSession | null> {
    const known = this.#known.get(session);
    if (known) return this.#isMeant(known, epoch) ? known : null;
    return this.#lookUp(session).then((found) => (found && this.#isMeant(found, epoch) ? found : null));
  }

  /** Its ledgers are not what they were: nothing more is done for it until it is opened again. */
  lose(session: string): void {
    const known = this.#known.get(session);
    if (known) known.isLost = true;
  }

  renew(sessions: readonly string[]): void {
    const now = systemClock.elapsed();
    for (const session of sessions) {
      const known = this.#known.get(session);
      if (!known) continue;
      known.usedMs = now;
      if (!this.#isWhole(known) || now - known.seenMs < this.#ttlMs * renewShare) continue;
      // What can't be reached is renewed again; if that is too late, it is lost.
      this.#renew(session, known, now).catch(() => {});
    }
  }

  /** Asks for the newest generation of each: word of it may have been lost. */
  async generations(tell: (session: string, generation: number) => void): Promise<void> {
    const known = [...this.#known.keys()];
    for (let start = 0; start < known.length; start += askMax) {
      const asked = known.slice(start, start + askMax).map(async (session) => {
        const key = `${this.#keys.session(session)}:record`;
        const generation = await this.#topology.shardOf(key).command("HGET", key, "generation");
        if (generation !== null) tell(session, Number(generation));
      });
      await Promise.all(asked);
    }
  }

  /** Forgets those that nobody has been connected with for long. */
  sweep(): void {
    const oldestMs = systemClock.elapsed() - 2 * this.#ttlMs - keptMs;
    for (const [session, known] of this.#known) if (known.usedMs < oldestMs) this.#known.delete(session);
  }

  /** Where a session's ledgers are listed. */
  roomsKey(session: string): string {
    return `${this.#keys.session(session)}:rooms`;
  }

  /** `canList`: whether the append itself can list it. */
  ledgerState(known: KnownSession, channel: string, canList: boolean): LedgerState {
    if (known.ledgers.has(channel)) return this.#isFresh(known, channel) ? "x" : "xr";
    return canList ? "n" : "r";
  }

  /** Takes note of what an append said about the ledger; gives a promise if that takes a while, and may fail. */
  noteLedger(
    { session, known, state }: NotedLedger,
    channel: string,
    outcome: AppendResult["outcome"],
  ): Promise<void> | undefined {
    if (outcome === "unknown-session") this.lose(session);
    // One that was repeated may never have been listed: the node that stored it may be gone.
    if (state === "r" && (outcome === "stored" || outcome === "repeated"))
      return this.#list(session, known, channel, outcome === "stored");
    if (outcome === "stored") known.ledgers.set(channel, systemClock.elapsed());
    return undefined;
  }

  async claim(origin: Origin): Promise<RequestClaim> {
    const { session, ref } = origin;
    const known = await this.find(origin);
    if (!known) return { outcome: "unknown-session" };
    const args = [known.epoch, ref, this.#recordTtlMs, requestsMax];
    const [outcome, answer] = (await this.#run(scripts.claimRequest, session, args)) as [string, string?];
    if (outcome === "claimed" || outcome === "unanswered") return { outcome };
    if (outcome === "answered") return { outcome, answer: answer ?? "" };
    this.lose(session);
    return { outcome: "unknown-session" };
  }

  async answer(origin: Origin, answer: string): Promise<void> {
    const { session, ref } = origin;
    const known = await this.find(origin);
    if (!known) return;
    const ttlMs = this.#recordTtlMs;
    const args = [known.epoch, ref, answer, answer.length, ttlMs, ledgerLength, answerLengthMax];
    await this.#run(scripts.answerRequest, session, args);
  }

  async #renew(session: string, known: KnownSession, nowMs: number): Promise<void> {
    const alive = await this.#run(scripts.renewSession, session, [known.epoch, this.#recordTtlMs]);
    if (!alive) return this.lose(session);
    known.seenMs = Math.max(known.seenMs, nowMs);
    await this.#prolong(session, known);
  }

  /** A little longer than promised: it is not renewed each time it could be. */
  get #recordTtlMs(): number {
    return Math.ceil(this.#ttlMs * (1 + renewShare));
  }

  async #list(session: string, known: KnownSession, channel: string, isNew: boolean): Promise<void> {
    if (known.ledgers.has(channel)) return;
    const nowMs = systemClock.elapsed();
    const key = this.roomsKey(session);
    const shard = this.#topology.shardOf(key);
    const ttlMs = String(this.ledgerTtlMs);
    await Promise.all([shard.command("SADD", key, channel), shard.command("PEXPIRE", key, ttlMs)]);
    known.ledgers.set(channel, isNew ? nowMs : -Infinity);
  }

  /** The highest ref that was published with: a room's is at the end of its ledger, and no publish has to note it twice. */
  async #newestPublish(session: string, epoch: string, rooms: readonly string[]): Promise<number> {
    const asked = rooms.map((channel) => {
      const key = ledgerKey(channel, session, epoch);
      return this.#topology.shardOf(key).command("GETRANGE", key, "-17", "-2");
    });
    const ends = await Promise.all(asked);
    return ends.reduce<number>((highest, end) => Math.max(highest, Number(end)), 0);
  }

  /** Prolongs the ledgers that were not written to for long; one that is gone takes the session with it. */
  async #prolong(session: string, known: KnownSession): Promise<void> {
    for (const channel of known.ledgers.keys()) {
      if (this.#isFresh(known, channel)) continue;
      const key = ledgerKey(channel, session, known.epoch);
      const nowMs = systemClock.elapsed();
      const held = await this.#topology.shardOf(key).command("PEXPIRE", key, String(this.ledgerTtlMs));
      if (!held) return this.lose(session);
      known.ledgers.set(channel, nowMs);
    }
  }

  /** Whether it was prolonged lately. */
  #isFresh({ ledgers }: KnownSession, channel: string): boolean {
    const prolongedMs = ledgers.get(channel) ?? -Infinity;
    return systemClock.elapsed() - prolongedMs < this.ledgerTtlMs * renewShare;
  }

  #isMeant(known: KnownSession, epoch: string | undefined): boolean {
    return (epoch === undefined || epoch === known.epoch) && this.#isWhole(known);
  }

  #isWhole({ incarnation, seenMs, isLost }: KnownSession): boolean {
    if (isLost) return false;
    return incarnation === this.#topology.incarnation && systemClock.elapsed() - seenMs < this.#ttlMs;
  }

  #know(session: string, seen: Seen): KnownSession {
    const { epoch, incarnation, rooms } = seen;
    const before = this.#known.get(session);
    const ledgers = before?.epoch === epoch ? before.ledgers : new Map<string, number>();
    for (const room of rooms) if (!ledgers.has(room)) ledgers.set(room, -Infinity);
    const now = systemClock.elapsed();
    const known: KnownSession = { epoch, incarnation, seenMs: now, usedMs: now, isLost: false, ledgers };
    this.#known.set(session, known);
    return known;
  }

  async #lookUp(session: string): Promise<KnownSession | null> {
    const { incarnation } = this.#topology;
    const key = this.#keys.session(session);
    const shard = this.#topology.shardOf(key);
    const [record, rooms] = await Promise.all([
      shard.command("HMGET", `${key}:record`, "epoch", "token"),
      shard.command("SMEMBERS", `${key}:rooms`),
    ]);
    const [epoch, token] = record as [string | null, string | null];
    if (!epoch || token !== incarnation) return null;
    // Opened, or lost, from here meanwhile: that is what counts.
    return this.#known.get(session) ?? this.#know(session, { epoch, incarnation, rooms: rooms as string[] });
  }

  #run(script: Script, session: string, args: readonly (string | number)[]): Promise<unknown> {
    const key = this.#keys.session(session);
    const keys = [`${key}:record`, `${key}:ref`, `${key}:answers`, `${key}:order`, `${key}:rooms`];
    return this.#topology.shardOf(key).run(script, keys, args);
  }
}
