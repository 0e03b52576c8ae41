import type { Awaitable } from "../../base/awaitable.ts";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import {
  answerBytesMax,
  ledgerLength,
  type AppendResult,
  type Origin,
  type RequestClaim,
  type SessionClaim,
  type SessionOpening,
} from "../../server/broker.ts";
import { scripts } from "./generated-scripts.ts";
import type { Keys } from "./keys.ts";
import { dutyAfter, judgeSession, renewShare, type LedgerState } from "./ledger-states.ts";
import { Ledgers, type KnownSession } from "./ledgers.ts";
import type { Script } from "./script.ts";
import type { Topology } from "./topology.ts";

/** Most requests of a session of which anything is known: those answered, and about as many that still run. */
const requestsMax = 4 * ledgerLength;
/** How much longer than its life one is kept in mind here: several heartbeats of its connection. */
const keptMs = 300_000;
/** Sessions asked about at a time. */
const askMax = 1000;

/** A ledger that was appended with. */
interface NotedLedger {
  readonly session: string;
  readonly known: KnownSession;
  readonly state: LedgerState;
}

/** What Redis says of a session. */
interface Seen {
  /** The name of its ledgers. */
  readonly ledger: string;
  readonly incarnation: string;
  /** The channels of the rooms it has ledgers in. */
  readonly rooms: readonly string[];
}

/**
 * The sessions. Redis has them; this remembers those seen from here, and by which name their ledgers go. In a cluster
 * a session and its ledgers lie on different servers, so no step on one of them could ask whether the other is still
 * whole. What was seen here answers that: a session counts as long as no data set has changed since, and its record
 * can't have run out.
 */
export class Sessions {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #ttlMs: number;
  readonly ledgers: Ledgers;
  readonly #known = new Map<string, KnownSession>();

  constructor(topology: Topology, keys: Keys, ttlMs: number) {
    this.#topology = topology;
    this.#keys = keys;
    this.#ttlMs = ttlMs;
    // Longer than the session could be there without being seen.
    this.ledgers = new Ledgers(topology, keys, 2 * ttlMs + 60_000);
  }

  async open({ session, user, generation }: SessionClaim): Promise<SessionOpening> {
    const shard = this.#topology.shardOf(this.#keys.session(session));
    const opened = await shard.inItsData(async () => {
      const { incarnation } = this.#topology;
      const args = [user, generation, systemRandom.id(8), incarnation, this.#recordTtlMs];
      const reply = await this.#run(scripts.openSession, session, [...args, shard.marker, shard.token]);
      const [outcome, ledger, ref, rooms] = reply as [
        "opened" | "stale" | "mismatch",
        string,
        number,
        string[],
      ];
      return { outcome, ledger, ref, rooms, incarnation };
    });
    const { outcome, ref, incarnation } = opened;
    if (outcome !== "opened") return { outcome };
    const known = this.#know(session, opened);
    const published = await this.ledgers.revive(session, known);
    if (published !== null) return { outcome, ledger: known.ledger, ref: Math.max(ref, published) };
    const ledger = await this.#beginLedgers(session, known);
    this.#know(session, { ledger, incarnation, rooms: [] });
    return { outcome, ledger, ref };
  }

  /**
   * The session if it is whole: null if the ledgers that are meant may be gone. Looked up when it was never seen from
   * here, and when other ledgers are meant than were seen: it may have been opened elsewhere since.
   */
  find({ session, ledger: meant }: Origin): Awaitable<KnownSession | null> {
    const known = this.#known.get(session);
    const verdict = this.#judge(known, meant);
    if (verdict !== "ask") return verdict === "whole" ? (known as KnownSession) : null;
    return this.#lookUp(session, known).then((found) =>
      found && this.#judge(found, meant) === "whole" ? found : null,
    );
  }

  /**
   * Its ledgers are not what they were: nothing more is done for it until it is opened again. Redis is told first, or
   * the next opening would take them for whole.
   */
  async #lose(session: string, known: KnownSession): Promise<void> {
    await this.#beginLedgers(session, known);
    known.isLost = true;
  }

  /** Gives the name of the new ones. */
  async #beginLedgers(session: string, { ledger }: KnownSession): Promise<string> {
    const fresh = systemRandom.id(8);
    await this.#run(scripts.loseSession, session, [ledger, fresh, this.#recordTtlMs]);
    return fresh;
  }

  renew(sessions: readonly string[]): void {
    const now = systemClock.elapsed();
    for (const session of sessions) {
      const known = this.#known.get(session);
      if (!known) continue;
      known.usedMs = now;
      if (this.#judge(known) !== "whole" || now - known.seenMs < this.#ttlMs * renewShare) continue;
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

  /** Takes note of what an append said about the ledger; gives a promise if that takes a while, and may fail. */
  noteLedger(
    { session, known, state }: NotedLedger,
    channel: string,
    outcome: AppendResult["outcome"],
  ): Promise<void> | undefined {
    const duty = dutyAfter(state, outcome);
    if (duty === "lose") return this.#lose(session, known);
    if (duty === "list") return this.ledgers.list(session, known, channel, outcome === "stored");
    if (duty === "note") known.ledgers.set(channel, systemClock.elapsed());
    return undefined;
  }

  async claim(origin: Origin): Promise<RequestClaim> {
    const { session, ref } = origin;
    const known = await this.find(origin);
    if (!known) return { outcome: "unknown-session" };
    const args = [known.ledger, ref, this.#recordTtlMs, requestsMax];
    const [outcome, answer] = (await this.#run(scripts.claimRequest, session, args)) as [string, string?];
    if (outcome === "claimed" || outcome === "unanswered") return { outcome };
    if (outcome === "answered") return { outcome, answer: answer ?? "" };
    await this.#lose(session, known);
    return { outcome: "unknown-session" };
  }

  async answer(origin: Origin, answer: string): Promise<void> {
    const { session, ref } = origin;
    const known = await this.find(origin);
    if (!known) return;
    const ttlMs = this.#recordTtlMs;
    const args = [known.ledger, ref, answer, ttlMs, ledgerLength, answerBytesMax];
    await this.#run(scripts.answerRequest, session, args);
  }

  async #renew(session: string, known: KnownSession, nowMs: number): Promise<void> {
    const alive = await this.#run(scripts.renewSession, session, [known.ledger, this.#recordTtlMs]);
    if (alive) known.seenMs = Math.max(known.seenMs, nowMs);
    if (!alive || !(await this.ledgers.prolong(session, known))) await this.#lose(session, known);
  }

  /** A little longer than promised: it is not renewed each time it could be. */
  get #recordTtlMs(): number {
    return Math.ceil(this.#ttlMs * (1 + renewShare));
  }

  #judge(known: KnownSession | undefined, meant?: string): ReturnType<typeof judgeSession> {
    return judgeSession({
      ledger: known?.ledger ?? null,
      meant: meant ?? null,
      isSameData: known?.incarnation === this.#topology.incarnation,
      seenMs: systemClock.elapsed() - (known?.seenMs ?? 0),
      ttlMs: this.#ttlMs,
      isLost: known?.isLost ?? false,
    });
  }

  #know(session: string, seen: Seen): KnownSession {
    const { ledger, incarnation, rooms } = seen;
    const before = this.#known.get(session);
    const ledgers = before?.ledger === ledger ? before.ledgers : new Map<string, number>();
    // The empty one stands for the list itself.
    for (const room of rooms) if (room && !ledgers.has(room)) ledgers.set(room, -Infinity);
    const now = systemClock.elapsed();
    const known: KnownSession = { ledger, incarnation, seenMs: now, usedMs: now, isLost: false, ledgers };
    this.#known.set(session, known);
    return known;
  }

  async #lookUp(session: string, before: KnownSession | undefined): Promise<KnownSession | null> {
    const { incarnation } = this.#topology;
    const key = this.#keys.session(session);
    const shard = this.#topology.shardOf(key);
    const [record, rooms] = await Promise.all([
      shard.command("HMGET", `${key}:record`, "ledger", "token"),
      shard.command("SMEMBERS", `${key}:rooms`),
    ]);
    const [ledger, token] = record as [string | null, string | null];
    if (!ledger || token !== incarnation) return null;
    // Opened, or lost, from here meanwhile: that is what counts.
    const known = this.#known.get(session);
    if (known && (known !== before || known.ledger === ledger)) return known;
    return this.#know(session, { ledger, incarnation, rooms: rooms as string[] });
  }

  #run(script: Script, session: string, args: readonly (string | number)[]): Promise<unknown> {
    const key = this.#keys.session(session);
    const keys = [`${key}:record`, `${key}:ref`, `${key}:answers`, `${key}:order`, `${key}:rooms`];
    return this.#topology.shardOf(key).run(script, keys, args);
  }
}
