import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Position } from "../../protocol/frames.ts";
import type { LogBound, LogPage, LogState } from "../../server/broker.ts";
import type { Database } from "./database.ts";
import { fromSql, toSql } from "./sql-text.ts";

/** What {@link Logs} needs. */
export interface LogsContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly roomsMax: number;
  /** Whether anybody is subscribed to a room, or present in it. */
  readonly isUsed: (room: string) => boolean;
}

/** A room's row. */
export interface Log extends LogState {
  readonly id: number;
  readonly ageMs: number;
  /** What its entries' data has, in UTF-8. */
  readonly bytes: number;
}

/** Most entries of one page, whatever is asked for. */
const pageMax = 10_000;
/** Rooms whose old entries are looked for at a time, and rooms beyond the bound that go at a time. */
const sweepRooms = 500;
/** The share of the rooms that goes when there are too many. */
const evictedShare = 0.01;

/** The rooms' logs in the database. Every call is part of a transaction. */
export class Logs {
  readonly #context: LogsContext;
  readonly #statements: ReturnType<typeof prepare>;
  #count = 0;
  #evictAt: number;
  #sweptTo = 0;

  constructor(context: LogsContext) {
    this.#context = context;
    this.#statements = prepare(context.database);
    this.#evictAt = context.roomsMax;
    this.recount();
  }

  /** Takes what the database says for true. */
  recount(): void {
    this.#count = (this.#statements.count.get() as { count: number }).count;
  }

  /** A room's log; made when there is none. */
  open(room: string): Log {
    const name = toSql(room);
    const found = this.#statements.find.get(name) as Log | undefined;
    if (found) return found;
    if (this.#count >= this.#evictAt) this.#evict();
    this.#statements.make.run(name, this.#context.random.id(8), Number.MAX_SAFE_INTEGER, this.#now());
    this.#count += 1;
    return this.#statements.find.get(name) as Log;
  }

  /** Adds an entry; gives its position. */
  append(log: Log, data: string, bound: LogBound): Position {
    const { id, epoch } = log;
    const offset = log.head + 1;
    const now = this.#now();
    this.#statements.addEntry.run(id, offset, now, toSql(data));
    const grown = { ...log, head: offset, ageMs: ageOf(bound), bytes: log.bytes + bytesOf(toSql(data)) };
    this.#save(this.#trimToBound(grown, bound));
    return { offset, epoch };
  }

  read(room: string, after: number, limit: number): LogPage {
    const log = this.#trimByAge(this.open(room));
    const rows = after < log.base ? [] : this.#statements.page.all(log.id, after, Math.min(limit, pageMax));
    const entries = (rows as { offset: number; data: string }[]).map(({ offset, data }) => ({
      offset,
      data: fromSql(data),
    }));
    return { ...stateOf(log), entries };
  }

  state(room: string, bound: LogBound): LogState {
    const log = this.open(room);
    const trimmed = this.#trimToBound({ ...log, ageMs: ageOf(bound) }, bound);
    if (trimmed.base > log.base || trimmed.ageMs !== log.ageMs) this.#save(trimmed);
    return stateOf(this.#trimByAge(trimmed));
  }

  /** The room was used until now. */
  touch(room: string): void {
    this.#statements.touch.run(this.#now(), toSql(room));
  }

  /** A log that nobody reads would otherwise keep what its age has given up. Goes through all of them, some at a time. */
  sweep(): void {
    if (this.#count > this.#context.roomsMax) this.#evict();
    const logs = this.#statements.next.all(this.#sweptTo, sweepRooms) as Log[];
    for (const log of logs) this.#trimByAge(log);
    this.#sweptTo = logs.length < sweepRooms ? 0 : (logs.at(-1) as Log).id;
  }

  #trimByAge(log: Log): Log {
    if (log.head === log.base) return log;
    const youngest = this.#now() - log.ageMs;
    const kept = this.#statements.firstSince.get(log.id, youngest) as { offset: number } | undefined;
    const base = kept ? kept.offset - 1 : log.head;
    if (base === log.base) return log;
    const gone = this.#statements.bytesUpTo.get(log.id, base) as { bytes: number };
    const trimmed = { ...log, base, bytes: log.bytes - gone.bytes };
    this.#statements.dropEntries.run(log.id, base);
    this.#save(trimmed);
    return trimmed;
  }

  /** Gives up the oldest entries beyond the count and the bytes, the newest never. */
  #trimToBound(log: Log, bound: LogBound): Log {
    let { base, bytes } = log;
    const isOver = (): boolean =>
      log.head - base > bound.count || (bytes > bound.bytes && base + 1 < log.head);
    while (isOver()) {
      const oldest = this.#statements.sizes.all(log.id, base) as { offset: number; bytes: number }[];
      if (oldest.length === 0) break;
      for (const entry of oldest) {
        if (!isOver()) break;
        base = entry.offset;
        bytes -= entry.bytes;
      }
    }
    if (base > log.base) this.#statements.dropEntries.run(log.id, base);
    return { ...log, base, bytes };
  }

  #save({ id, base, head, ageMs, bytes }: Log): void {
    this.#statements.update.run(base, head, ageMs, bytes, this.#now(), id);
  }

  /** Some at once, so that a flood of names does not search the table each time. */
  #evict(): void {
    const { roomsMax, isUsed } = this.#context;
    const share = Math.ceil(roomsMax * evictedShare);
    // A file may come with many more than one too many: it was made with a higher bound.
    let left = share + Math.min(sweepRooms, Math.max(0, this.#count - roomsMax));
    for (let used = 0; left > 0;) {
      // Twice as many each time, for each takes a search.
      const rooms = this.#statements.unused.all(left + used, used) as { id: number; name: string }[];
      if (rooms.length === 0) break;
      const idle = rooms.filter(({ name }) => !isUsed(fromSql(name))).slice(0, left);
      for (const { id } of idle) this.#drop(id);
      used += rooms.length - idle.length;
      left -= idle.length;
    }
    // Where hardly any can go, looking again for each new one would cost more than the room.
    this.#evictAt = Math.max(roomsMax, this.#count + share);
  }

  #drop(id: number): void {
    this.#statements.dropAllEntries.run(id);
    this.#statements.drop.run(id);
    this.#count -= 1;
  }

  #now(): number {
    return this.#context.clock.now();
  }
}

function stateOf({ epoch, base, head }: Log): LogState {
  return { epoch, base, head };
}

function ageOf({ ageMs }: LogBound): number {
  return Math.min(ageMs, Number.MAX_SAFE_INTEGER);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

const columns = "id, epoch, base, head, age_ms AS ageMs, bytes";
const dataBytes = "length(CAST(data AS BLOB))";

// oxlint-disable-next-line typescript/explicit-function-return-type -- the names are the type
function prepare(database: Database) {
  return {
    count: database.prepare("SELECT count(*) AS count FROM rooms"),
    find: database.prepare(`SELECT ${columns} FROM rooms WHERE name = ?`),
    make: database.prepare(
      "INSERT INTO rooms (name, epoch, base, head, age_ms, used_at) VALUES (?, ?, 0, 0, ?, ?)",
    ),
    update: database.prepare(
      "UPDATE rooms SET base = ?, head = ?, age_ms = ?, bytes = ?, used_at = ? WHERE id = ?",
    ),
    touch: database.prepare("UPDATE rooms SET used_at = ? WHERE name = ?"),
    unused: database.prepare("SELECT id, name FROM rooms ORDER BY used_at, id LIMIT ? OFFSET ?"),
    next: database.prepare(`SELECT ${columns} FROM rooms WHERE id > ? AND head > base ORDER BY id LIMIT ?`),
    drop: database.prepare("DELETE FROM rooms WHERE id = ?"),
    addEntry: database.prepare("INSERT INTO entries (room, offset, at, data) VALUES (?, ?, ?, ?)"),
    page: database.prepare(
      "SELECT offset, data FROM entries WHERE room = ? AND offset > ? ORDER BY offset LIMIT ?",
    ),
    firstSince: database.prepare(
      "SELECT offset FROM entries WHERE room = ? AND at >= ? ORDER BY offset LIMIT 1",
    ),
    sizes: database.prepare(
      `SELECT offset, ${dataBytes} AS bytes FROM entries WHERE room = ? AND offset > ? ORDER BY offset LIMIT 16`,
    ),
    bytesUpTo: database.prepare(
      `SELECT coalesce(sum(${dataBytes}), 0) AS bytes FROM entries WHERE room = ? AND offset <= ?`,
    ),
    dropEntries: database.prepare("DELETE FROM entries WHERE room = ? AND offset <= ?"),
    dropAllEntries: database.prepare("DELETE FROM entries WHERE room = ?"),
  };
}
