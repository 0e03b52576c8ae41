import { systemRandom } from "../../base/random.ts";
import type { AppendRequest, AppendResult, LogBound } from "../../server/broker.ts";
import { BowlineError } from "../../protocol/errors.ts";
import type { Position } from "../../protocol/frames.ts";
import { foreignKey } from "./foreign-keys.ts";
import { ledgerKey, refText } from "./keys.ts";
import type { LedgerState } from "./ledger-states.ts";
import type { KnownSession } from "./ledgers.ts";
import type { Sessions } from "./sessions.ts";
import type { ScriptInput } from "./shard-context.ts";
import type { Shard } from "./shard.ts";

/** What one call appends at most: Redis does nothing else meanwhile. */
const countMax = 256;
const lengthMax = 1024 * 1024;
/** Beyond these a bound means "without end"; Redis counts in whole numbers. */
const boundCountMax = 1e9;
const boundBytesMax = 1e15;
const ageMaxMs = 100 * 365 * 86_400_000;

/** An append that waits for its result. */
export interface Pending {
  readonly request: AppendRequest;
  /** Null when the server itself publishes. */
  readonly known: KnownSession | null;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** What an append is noted in. */
interface Ledger {
  readonly session: string;
  readonly known: KnownSession;
  readonly key: string;
  /** From 1, as Lua counts. */
  readonly index: number;
  /** As it was when this was sent. */
  state: LedgerState;
}

interface Entry extends Pending {
  readonly ledger: Ledger | null;
}

/** Appends to one room, in their order. One with a condition is by itself. */
interface Section {
  readonly channel: string;
  readonly entries: Entry[];
  readonly ledgers: Map<string, Ledger>;
}

/** Appends that go to one server in one step. */
export class AppendCall {
  readonly #shard: Shard;
  readonly #sessions: Sessions;
  readonly #roomTtlMs: number;
  /** The data set that the sessions were whole in when they appended. */
  readonly #token: string;
  readonly #marker: string;
  readonly #asked: number;
  readonly #sections: Section[] = [];
  /** The last section of each room, if more may be added to it; by channel. */
  readonly #open = new Map<string, Section>();
  #count = 0;
  #length = 0;

  constructor(shard: Shard, sessions: Sessions, roomTtlMs: number) {
    this.#shard = shard;
    this.#sessions = sessions;
    this.#roomTtlMs = roomTtlMs;
    this.#token = shard.token;
    this.#marker = shard.marker;
    this.#asked = shard.asked;
  }

  /** Whether more may be added: nothing else was asked for since that might be about the same room. */
  get isOpen(): boolean {
    const isFull = this.#count >= countMax || this.#length >= lengthMax;
    return !isFull && this.#asked === this.#shard.asked && this.#token === this.#shard.token;
  }

  add(channel: string, pending: Pending): void {
    const { data, ifAt } = pending.request;
    this.#count += 1;
    this.#length += data.length;
    const section = (ifAt ? undefined : this.#open.get(channel)) ?? this.#begin(channel);
    if (ifAt) this.#open.delete(channel);
    section.entries.push({ ...pending, ledger: ledgerOf(section, pending) });
  }

  /** What the script is run with. */
  input(): ScriptInput {
    const { publishCommand } = this.#shard;
    const keys: string[] = [];
    const args = [this.#token, systemRandom.id(8), publishCommand, String(this.#roomTtlMs)];
    args.push(String(this.#sessions.ledgers.ttlMs), this.#marker);
    for (const section of this.#sections) this.#write(section, keys, args);
    return { keys, args };
  }

  settle(reply: readonly SectionReply[]): void {
    for (const [index, section] of this.#sections.entries())
      this.#settleSection(section, reply[index] as SectionReply);
  }

  /** Those that wait for the result, in their order. */
  get pending(): readonly Pending[] {
    return this.#sections.flatMap(({ entries }) => entries);
  }

  #begin(channel: string): Section {
    const section: Section = { channel, entries: [], ledgers: new Map() };
    this.#sections.push(section);
    this.#open.set(channel, section);
    return section;
  }

  #write({ channel, entries, ledgers }: Section, keys: string[], args: string[]): void {
    const { bound, ifAt } = (entries[entries.length - 1] as Entry).request;
    const [count, ageMs, bytes] = boundArgs(bound);
    keys.push(`${channel}:meta`, `${channel}:log`);
    args.push(count, ageMs, bytes, ifAt ? `${ifAt.offset} ${ifAt.epoch}` : "");
    args.push(String(ledgers.size), String(entries.length));
    for (const ledger of ledgers.values()) {
      ledger.state = this.#sessions.ledgers.state(ledger.known, channel, !this.#shard.clustered);
      keys.push(ledger.key);
      if (ledger.state === "n") keys.push(this.#sessions.ledgers.listKey(ledger.session));
      args.push(ledger.state);
    }
    for (const { request, ledger } of entries)
      args.push(request.data, ledger ? String(ledger.index) : "0", refText(request.origin?.ref ?? 0));
  }

  #settleSection({ channel, entries }: Section, reply: SectionReply): void {
    const [state = "", ...reasons] = typeof reply === "string" ? [reply] : reply;
    if (state.startsWith("!")) return refuseAll(entries, state.slice(1));
    const [epoch = "", first] = state.split(" ");
    let offset = Number(first);
    let last: Entry | null = null;
    for (const [index, entry] of entries.entries()) {
      const reason = reasons[index];
      if (reason === "malformed") {
        entry.reject(malformed());
        continue;
      }
      if (!reason) last = entry;
      const result = reason ? resultOf(reason, epoch) : stored(offset++, epoch);
      this.#settleEntry(channel, entry, result);
    }
    if (last) this.#shard.receiveStored(channel, { epoch, offset: offset - 1 }, last.request.data);
  }

  /** Answers only once the session has noted what it has to. */
  #settleEntry(channel: string, { ledger, resolve, reject }: Entry, result: AppendResult): void {
    const isNoted = !ledger || (ledger.state === "x" && result.outcome === "stored");
    const noting = isNoted ? undefined : this.#sessions.noteLedger(ledger, channel, result.outcome);
    if (noting) noting.then(() => resolve(result), reject);
    else resolve(result);
  }
}

/**
 * "<epoch> <first offset>", and why each of the appends was refused if some were: empty for one that was not. Or, where
 * nothing was done, "!<type> <type wanted> <key>".
 */
type SectionReply = string | readonly string[];

/** Nothing was done in this room: one of its keys is somebody else's. */
function refuseAll(entries: readonly Entry[], foreign: string): void {
  const [found = "", wanted = "", ...key] = foreign.split(" ");
  const error = foreignKey(key.join(" "), found, wanted);
  for (const { reject } of entries) reject(error);
}

function malformed(): BowlineError {
  return new BowlineError("INVALID", "what is appended must be a compact JSON object, without a line break");
}

function ledgerOf({ channel, ledgers }: Section, { request, known }: Pending): Ledger | null {
  if (!request.origin || !known) return null;
  const { session } = request.origin;
  const key = ledgerKey(channel, session, known.ledger);
  let ledger = ledgers.get(key);
  if (!ledger) ledgers.set(key, (ledger = { session, known, key, index: ledgers.size + 1, state: "r" }));
  return ledger;
}

/** The bound as Redis is given it: count, age and bytes. */
export function boundArgs({ count, ageMs, bytes }: LogBound): [string, string, string] {
  const age = Math.ceil(Math.min(ageMs, ageMaxMs));
  return [String(Math.min(count, boundCountMax)), String(age), String(Math.min(bytes, boundBytesMax))];
}

function stored(offset: number, epoch: string): AppendResult {
  return { outcome: "stored", position: { offset, epoch } };
}

function resultOf(reason: string, epoch: string): AppendResult {
  if (reason === "unknown") return { outcome: "unknown-session" };
  if (reason === "overtaken") return { outcome: "out-of-order" };
  if (reason.startsWith("conflict "))
    return { outcome: "conflict", position: { offset: Number(reason.slice(9)), epoch } };
  return { outcome: "repeated", position: positionOf(reason) };
}

/** Of "<offset> <epoch>". */
export function positionOf(text: string): Position {
  const space = text.indexOf(" ");
  return { offset: Number(text.slice(0, space)), epoch: text.slice(space + 1) };
}
