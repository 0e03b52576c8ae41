import { systemRandom } from "../../base/random.ts";
import {
  type AppendRequest,
  type AppendResult,
  type LogBound,
  type LogEntry,
  type LogPage,
  type Origin,
} from "../../server/broker.ts";
import type { Position } from "../../protocol/frames.ts";
import { ledgerKey, type Keys } from "./keys.ts";
import { scripts } from "./scripts.ts";
import type { KnownSession, Sessions } from "./sessions.ts";
import type { ScriptInput, Shard } from "./shard.ts";
import type { Topology } from "./topology.ts";

/** What one script call appends at most: Redis does nothing else meanwhile. */
const batchMax = 256;
const batchLengthMax = 1024 * 1024;
/** Beyond these a bound means "without end"; Redis counts in whole numbers. */
const countMax = 1e9;
const ageMaxMs = 100 * 365 * 86_400_000;
/** How long what is known of a room is kept beyond its entries: positions in it stay meaningful. */
export const roomTtlMs: number = 2 * 86_400_000;

/** An append that waits to be sent. */
interface Pending {
  readonly request: AppendRequest;
  readonly known: KnownSession | null;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** Appends to one room that go in one step. */
interface Batch {
  readonly pending: Pending[];
  length: number;
}

/** The rooms' logs. */
export class Logs {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #sessions: Sessions;
  /** The last thing asked of a room in this turn, as long as that is appends. */
  readonly #open = new Map<string, Batch>();
  readonly #roomTtlMs: number;

  constructor(topology: Topology, keys: Keys, sessions: Sessions) {
    this.#topology = topology;
    this.#keys = keys;
    this.#sessions = sessions;
    // A ledger tells of positions in the log's epoch: it must not outlive that.
    this.#roomTtlMs = Math.max(roomTtlMs, 2 * sessions.ledgerTtlMs);
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const { origin } = request;
    if (!origin) return this.#enqueue(request, null);
    const finding = this.#sessions.find(origin);
    const known = finding instanceof Promise ? await finding : finding;
    return known ? this.#appendFor(request, origin, known) : { outcome: "unknown-session" };
  }

  async find(room: string, origin: Origin): Promise<Position | null> {
    const { session, ref } = origin;
    const known = await this.#sessions.find(origin);
    if (!known) return null;
    const key = ledgerKey(this.#keys.room(room), session, known.epoch);
    const text = await this.#shard(room).run(scripts.find, [key], [ref, this.#sessions.ledgerTtlMs]);
    return typeof text === "string" ? positionOf(text) : null;
  }

  /** Reads, and holds the log to a new bound if one is given. */
  async read(room: string, after: number, limit: number, bound?: LogBound): Promise<LogPage> {
    const channel = this.#keys.room(room);
    const shard = this.#shard(room);
    const args = [shard.token, systemRandom.id(8), this.#roomTtlMs, after, limit];
    if (bound) args.push(...boundArgs(bound));
    const reply = await shard.run(scripts.read, [`${channel}:meta`, `${channel}:log`], args);
    const [epoch, base, head, texts = []] = reply as [string, number, number, string[]?];
    return { epoch, base, head, entries: texts.map((text, index) => entryOf(text, after + 1 + index)) };
  }

  /** Keeps what is known of a room that is used without anything being appended. */
  async touch(room: string): Promise<void> {
    const key = `${this.#keys.room(room)}:meta`;
    await this.#shard(room).command("PEXPIRE", key, String(this.#roomTtlMs), "GT");
  }

  /** Answers only once it is noted with the session too. In one server that takes no longer. */
  async #appendFor(request: AppendRequest, origin: Origin, known: KnownSession): Promise<AppendResult> {
    const { room, ifAt } = request;
    const { session, ref } = origin;
    const appended = this.#enqueue(request, known);
    const raised = ifAt ? null : this.#sessions.raiseRef(session, ref);
    const result = await appended;
    await this.#sessions.noteLedger(session, known, this.#keys.room(room), result);
    await (ifAt && result.outcome === "stored" ? this.#sessions.raiseRef(session, ref) : raised);
    return result;
  }

  #shard(room: string): Shard {
    // Whatever is asked about the room next must not overtake or be overtaken.
    this.#open.delete(room);
    return this.#topology.shardOf(this.#keys.room(room));
  }

  #enqueue(request: AppendRequest, known: KnownSession | null): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { request, known, resolve, reject };
      const open = this.#open.get(request.room);
      if (open && open.pending.length < batchMax && open.length < batchLengthMax) {
        open.pending.push(pending);
        open.length += request.data.length;
      } else {
        this.#begin(request.room, { pending: [pending], length: request.data.length });
      }
    });
  }

  #begin(room: string, batch: Batch): void {
    const shard = this.#shard(room);
    const { token } = shard;
    this.#open.set(room, batch);
    const input = (): ScriptInput => {
      if (this.#open.get(room) === batch) this.#open.delete(room);
      return this.#input(room, batch, shard, token);
    };
    shard.runLate(scripts.append, input).then(
      (reply) => this.#settle(batch, reply as readonly (string | number)[]),
      (error: unknown) => {
        if (this.#open.get(room) === batch) this.#open.delete(room);
        for (const { reject } of batch.pending) reject(error as Error);
      },
    );
  }

  #input(room: string, { pending }: Batch, shard: Shard, token: string): ScriptInput {
    const channel = this.#keys.room(room);
    const keys = [`${channel}:meta`, `${channel}:log`];
    const { bound } = (pending[pending.length - 1] as Pending).request;
    const args: (string | number)[] = [token, systemRandom.id(8), shard.publishCommand, channel];
    args.push(...boundArgs(bound), this.#roomTtlMs, this.#sessions.ledgerTtlMs);
    for (const { request, known } of pending) {
      const { data, origin, ifAt } = request;
      let ledger = "";
      if (origin && known) {
        const key = ledgerKey(channel, origin.session, known.epoch);
        const index = keys.indexOf(key, 2) + 1 || keys.push(key);
        ledger = `${index} ${origin.ref} ${this.#ledgerState(known, channel)}`;
      }
      args.push(data, data.length, ledger, ifAt ? `${ifAt.offset} ${ifAt.epoch}` : "");
    }
    return { keys, args };
  }

  #ledgerState(known: KnownSession, channel: string): string {
    const fresh = this.#sessions.isFresh(known, channel);
    if (fresh === null) return "r";
    return fresh ? "x" : "xr";
  }

  #settle({ pending }: Batch, reply: readonly (string | number)[]): void {
    const epoch = String(reply[0]);
    for (const [index, { resolve }] of pending.entries()) resolve(resultOf(reply[index + 1] ?? "", epoch));
  }
}

function boundArgs({ count, ageMs }: LogBound): [number, number] {
  return [Math.min(count, countMax), Math.ceil(Math.min(ageMs, ageMaxMs))];
}

function entryOf(text: string, offset: number): LogEntry {
  return { offset, data: text.slice(text.indexOf(":") + 1) };
}

/** Of "<offset> <epoch>". */
function positionOf(text: string): Position {
  const space = text.indexOf(" ");
  return { offset: Number(text.slice(0, space)), epoch: text.slice(space + 1) };
}

function resultOf(reply: string | number, epoch: string): AppendResult {
  if (typeof reply === "number") return { outcome: "stored", position: { offset: reply, epoch } };
  if (reply === "unknown") return { outcome: "unknown-session" };
  if (reply === "overtaken") return { outcome: "out-of-order" };
  if (reply.startsWith("conflict "))
    return { outcome: "conflict", position: { offset: Number(reply.slice(9)), epoch } };
  return { outcome: "repeated", position: positionOf(reply) };
}
