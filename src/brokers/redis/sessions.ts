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
import type { Keys } from "./keys.ts";
import { Ledgers, type KnownSession, type LedgerState } from "./ledgers.ts";
import type { Script } from "./script.ts";
import { scripts } from "./scripts.ts";
import type { Topology } from "./topology.ts";

/** Most requests of a session of which anything is known: those answered, and about as many that still run. */
const requestsMax = 4 * ledgerLength;
/** Share of its life after which a session is prolonged. */
const renewShare = 1 / 8;

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
      const [outcome, epoch, ref, rooms] = reply as [
        "opened" | "stale" | "mismatch",
        string,
        number,
        string[],
      ];
      return { outcome, epoch, ref, rooms, incarnation };
    });
    const { outcome, ref, incarnation } = opened;
    if (outcome !== "opened") return { outcome };
    const known = this.#know(session, opened);
    const published = await this.ledgers.revive(session, known);
    if (published !== null) return { outcome, ledger: known.epoch, ref: Math.max(ref, published) };
    const epoch = await this.#beginLedgers(session, known);
    this.#know(session, { epoch, incarnation, rooms: [] });
    return { outcome, ledger: epoch, ref };
  }

  /**
   * The session if it is whole: null if the ledgers that are meant may be gone. Looked up when it was never seen from
   * here, and when other ledgers are meant than were seen: it may have been opened elsewhere since.
   */
  find({ session, ledger: epoch }: Origin): Awaitable<KnownSession | null> {
    const known = this.#known.get(session);
    if (known && (epoch === undefined || epoch === known.epoch)) return this.#isWhole(known) ? known : null;
    return this.#lookUp(session, known).then((found) =>
      found && this.#isMeant(found, epoch) ? found : null,
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
  async #beginLedgers(session: string, { epoch }: KnownSession): Promise<string> {
    const fresh = systemRandom.id(8);
    await this.#run(scripts.loseSession, session, [epoch, fresh, this.#recordTtlMs]);
    return fresh;
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

  /** Takes note of what an append said about the ledger; gives a promise if that takes a while, and may fail. */
  noteLedger(
    { session, known, state }: NotedLedger,
    channel: string,
    outcome: AppendResult["outcome"],
  ): Promise<void> | undefined {
    if (outcome === "unknown-session") return this.#lose(session, known);
    // One that was repeated may never have been listed: the node that stored it may be gone.
    if (state === "r" && (outcome === "stored" || outcome === "repeated"))
      return this.ledgers.list(session, known, channel, outcome === "stored");
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
    await this.#lose(session, known);
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
    if (alive) known.seenMs = Math.max(known.seenMs, nowMs);
    if (!alive || !(await this.ledgers.prolong(session, known))) await this.#lose(session, known);
  }

  /** A little longer than promised: it is not renewed each time it could be. */
  get #recordTtlMs(): number {
    return Math.ceil(this.#ttlMs * (1 + renewShare));
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
    // The empty one stands for the list itself.
    for (const room of rooms) if (room && !ledgers.has(room)) ledgers.set(room, -Infinity);
    const now = systemClock.elapsed();
    const known: KnownSession = { epoch, incarnation, seenMs: now, usedMs: now, isLost: false, ledgers };
    this.#known.set(session, known);
    return known;
  }

  async #lookUp(session: string, before: KnownSession | undefined): Promise<KnownSession | null> {
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
    const known = this.#known.get(session);
    if (known && (known !== before || known.epoch === epoch)) return known;
    return this.#know(session, { epoch, incarnation, rooms: rooms as string[] });
  }

  #run(script: Script, session: string, args: readonly (string | number)[]): Promise<unknown> {
    const key = this.#keys.session(session);
    const keys = [`${key}:record`, `${key}:ref`, `${key}:answers`, `${key}:order`, `${key}:rooms`];
    return this.#topology.shardOf(key).run(script, keys, args);
  }
}
