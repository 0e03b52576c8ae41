import type { AppendRequest, AppendResult, LogBound, LogEntry } from "../../server/broker.ts";
import type { EntryOrigin, LogMeta, RoomIndex } from "./room-index.ts";
import type { Stored } from "./stored.ts";

/** An append whose session is known. */
export interface KnownAppend {
  readonly request: AppendRequest;
  readonly origin: EntryOrigin | null;
  /** What its data takes in a message. */
  readonly bytes: number;
}

/** What becomes of the first appends of a row: one message that is to follow what the index knows. */
export interface AppendPlan {
  /** Null when nothing has to be stored. */
  readonly message: { readonly meta: LogMeta; readonly texts: readonly string[] } | null;
  /** By append, for as many as fit the message. They hold once it is stored. */
  readonly results: readonly AppendResult[];
}

/** Most entries and bytes of entries put into one message; a larger entry has a message to itself. */
const entriesMax = 256;
const bytesMax = 128 * 1024;

/** Decides about appends as if one were carried out after the other. `roomBytes`: most that a message has for entries. */
export function planAppends(
  index: RoomIndex,
  appends: readonly KnownAppend[],
  nowMs: number,
  roomBytes: number,
): AppendPlan {
  const { epoch, head, bound } = index;
  const texts: string[] = [];
  const origins: (EntryOrigin | null)[] = [];
  const results: AppendResult[] = [];
  let bytes = 0;
  let newBound = bound;
  for (const { request, origin, bytes: size } of appends) {
    const isFull = texts.length === entriesMax || bytes + size > Math.min(bytesMax, roomBytes);
    if (isFull && texts.length > 0) break;
    const end = { epoch, offset: head + texts.length };
    const known = origin && knownResult(index, origins, origin);
    const { ifAt } = request;
    if (known) {
      results.push(known);
    } else if (ifAt && (ifAt.epoch !== epoch || ifAt.offset !== end.offset)) {
      results.push({ outcome: "conflict", position: end });
    } else {
      texts.push(request.data);
      origins.push(origin);
      bytes += size;
      newBound = request.bound;
      results.push({ outcome: "stored", position: { epoch, offset: end.offset + 1 } });
    }
  }
  if (texts.length === 0) return { message: null, results };
  const meta = {
    epoch,
    first: head + 1,
    count: texts.length,
    at: nowMs,
    bound: encodeBound(newBound),
    origins,
    bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  };
  return { message: { meta, texts }, results };
}

/** What the ledger says, counting what is about to be stored. */
function knownResult(
  index: RoomIndex,
  planned: readonly (EntryOrigin | null)[],
  [name, ref]: EntryOrigin,
): AppendResult | null {
  const { epoch, head } = index;
  const same = planned.findIndex((it) => it?.[0] === name && it[1] === ref);
  if (same >= 0) return { outcome: "repeated", position: { epoch, offset: head + same + 1 } };
  const refs = index.ledgers.get(name)?.refs;
  const offset = refs?.find(ref);
  if (offset !== undefined) return { outcome: "repeated", position: { epoch, offset } };
  const isOvertaken =
    planned.some((it) => it?.[0] === name && it[1] > ref) || (refs !== undefined && ref < refs.highest);
  return isOvertaken ? { outcome: "out-of-order" } : null;
}

/** A message without entries: it begins a log, or gives it another bound. */
export function emptyMeta(epoch: string, head: number, bound: LogBound, nowMs: number): LogMeta {
  return { epoch, first: head + 1, count: 0, at: nowMs, bound: encodeBound(bound), origins: [], bytes: 0 };
}

export function encodeMeta({ epoch, first, count, at, bound, origins, bytes }: LogMeta): string {
  const hasOrigins = origins.some((origin) => origin !== null);
  return JSON.stringify([epoch, first, count, at, bound, hasOrigins ? origins : [], bytes]);
}

export function decodeMeta(text: string): LogMeta {
  const [epoch, first, count, at, bound, origins = [], bytes = 0] = JSON.parse(text) as [
    LogMeta["epoch"],
    LogMeta["first"],
    LogMeta["count"],
    LogMeta["at"],
    LogMeta["bound"],
    LogMeta["origins"]?,
    LogMeta["bytes"]?,
  ];
  return { epoch, first, count, at, bound, origins, bytes };
}

/** What a text takes in a message: quotes, and whatever else JSON escapes, take more than they are. */
export function encodedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) + 1;
}

/** JSON within JSON costs some bytes, and takes every string, in whatever language or state it is. */
export function encodeTexts(texts: readonly string[]): string {
  return JSON.stringify(texts);
}

export function entriesOf({ meta, body }: Pick<Stored, "meta" | "body">): LogEntry[] {
  const { first, count } = decodeMeta(meta);
  if (count === 0) return [];
  return (JSON.parse(body) as string[]).map((data, index) => ({ offset: first + index, data }));
}

/** JSON has no infinity. */
function encodeBound({ count, ageMs, bytes }: LogBound): LogMeta["bound"] {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return [finite(count), finite(ageMs), finite(bytes)];
}
