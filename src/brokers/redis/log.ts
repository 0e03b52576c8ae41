import { systemRandom } from "../../base/random.ts";
import type { AppendRequest, AppendResult, LogBound, LogPage, Origin } from "../../server/broker.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Damage } from "./damage.ts";
import { AppendCall, boundArgs, positionOf, type Pending } from "./append-call.ts";
import { scripts } from "./generated-scripts.ts";
import { ledgerKey, refText, type Keys } from "./keys.ts";
import { LogPages } from "./log-page.ts";
import { isOtherData } from "./script.ts";
import type { KnownSession } from "./ledgers.ts";
import type { Sessions } from "./sessions.ts";
import type { ScriptInput } from "./shard-context.ts";
import type { Shard } from "./shard.ts";
import type { Topology } from "./topology.ts";

/** How long what is known of a room is kept beyond its entries: positions in it stay meaningful. */
export const roomTtlMs: number = 2 * 86_400_000;

/** The rooms' logs. */
export class Logs {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #sessions: Sessions;
  /** Calls that more appends may be added to until they are sent: one, or in a Redis Cluster one for each channel. */
  readonly #open = new Map<string, AppendCall>();
  readonly #pages: LogPages;
  readonly #roomTtlMs: number;

  constructor(topology: Topology, keys: Keys, sessions: Sessions, damage: Damage) {
    this.#pages = new LogPages(damage);
    this.#topology = topology;
    this.#keys = keys;
    this.#sessions = sessions;
    // A ledger tells of positions in the log's epoch: it must not outlive that.
    this.#roomTtlMs = Math.max(roomTtlMs, 2 * sessions.ledgers.ttlMs);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    if (!request.origin) return this.#enqueue(request, null);
    const known = this.#sessions.find(request.origin);
    return known instanceof Promise
      ? known.then((found) => this.#appendFor(request, found))
      : this.#appendFor(request, known);
  }

  async find(room: string, origin: Origin): Promise<Position | null> {
    const { session, ref } = origin;
    const known = await this.#sessions.find(origin);
    if (!known) return null;
    const key = ledgerKey(this.#keys.room(room), session, known.ledger);
    const text = await this.#shard(room).run(
      scripts.find,
      [key],
      [refText(ref), this.#sessions.ledgers.ttlMs],
    );
    return typeof text === "string" ? positionOf(text) : null;
  }

  /** Reads, and holds the log to a new bound if one is given. */
  async read(room: string, after: number, limit: number, bound?: LogBound): Promise<LogPage> {
    const channel = this.#keys.room(room);
    const shard = this.#shard(room);
    const reply = await shard.inItsData(() => {
      const { token, marker } = shard;
      const args = [token, systemRandom.id(8), this.#roomTtlMs, after, limit, marker];
      if (bound) args.push(boundArgs(bound).join(" "));
      return shard.run(scripts.read, [`${channel}:meta`, `${channel}:log`], args);
    });
    return this.#pages.pageOf({ key: `${channel}:log`, after }, reply as [string, number, number, string[]?]);
  }

  /** Keeps what is known of a room that is used without anything being appended. */
  async touch(room: string): Promise<void> {
    const key = `${this.#keys.room(room)}:meta`;
    await this.#shard(room).command("PEXPIRE", key, String(this.#roomTtlMs), "GT");
  }

  #appendFor(request: AppendRequest, known: KnownSession | null): Promise<AppendResult> {
    return known ? this.#enqueue(request, known) : Promise.resolve({ outcome: "unknown-session" });
  }

  #shard(room: string): Shard {
    return this.#topology.shardOf(this.#keys.room(room));
  }

  #enqueue(request: AppendRequest, known: KnownSession | null): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const channel = this.#keys.room(request.room);
      this.#callFor(channel).add(channel, { request, known, resolve, reject });
    });
  }

  #callFor(channel: string): AppendCall {
    const shard = this.#topology.shardOf(channel);
    // In a Redis Cluster a call is about one room: all its keys have to lie together.
    const place = shard.clustered ? channel : "";
    const open = this.#open.get(place);
    return open?.isOpen ? open : this.#begin(shard, place);
  }

  #begin(shard: Shard, place: string): AppendCall {
    const call = new AppendCall(shard, this.#sessions, this.#roomTtlMs);
    const close = (): void => {
      if (this.#open.get(place) === call) this.#open.delete(place);
    };
    this.#open.set(place, call);
    const input = (): ScriptInput => {
      close();
      return call.input();
    };
    shard.runLate(scripts.append, input).then(
      (reply) => call.settle(reply as readonly (string | string[])[]),
      (error: unknown) => {
        close();
        if (isOtherData(error)) this.#again(shard, call.pending);
        else for (const { reject } of call.pending) reject(error as Error);
      },
    );
    return call;
  }

  /** Nothing was appended, for this is another data set by now: whose sessions are lost, and which takes all others. */
  #again(shard: Shard, pending: readonly Pending[]): void {
    shard.check().then(
      () => {
        for (const { request, resolve, reject } of pending) this.append(request).then(resolve, reject);
      },
      (error: unknown) => {
        for (const { reject } of pending) reject(error as Error);
      },
    );
  }
}
