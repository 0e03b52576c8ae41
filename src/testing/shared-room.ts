import { utf8Length } from "../base/utf8.ts";
import type { Member } from "../protocol/frames.ts";
import type { LogBound, LogState, PresenceChange } from "../server/broker.ts";

/** A node that is told of what goes on. */
export interface Subscriber {
  entry(room: string, epoch: string, offset: number, data: string): void;
  signal(room: string, key: string, data: string): void;
  presence(room: string, change: PresenceChange): void;
  opened(session: string, generation: number): void;
  told(message: string): void;
  /** The log of a room is another one. */
  hole(room: string): void;
  /** Members may be gone. */
  wiped(): void;
  /** The store went away, and is back: what was under way is lost. */
  restarted(): void;
}

interface Entry {
  readonly data: string;
  readonly atMs: number;
}

/** A room as the shared store has it. */
export interface Room {
  readonly epoch: string;
  base: number;
  entries: Entry[];
  bound: LogBound;
  readonly members: Map<string, Held>;
  readonly subscribers: Set<Subscriber>;
}

interface Held {
  readonly member: Member;
  readonly generation: number;
  readonly node: string;
}

/** How its log stands. */
export function stateOf({ epoch, base, entries }: Room): LogState {
  return { epoch, base, head: base + entries.length };
}

/** Gives up what is beyond the bound. */
export function trim(room: Room, nowMs: number): void {
  const oldestMs = nowMs - room.bound.ageMs;
  let drop = Math.max(0, room.entries.length - room.bound.count);
  let over = -room.bound.bytes;
  for (const { data } of room.entries.slice(drop)) over += utf8Length(data);
  for (; over > 0 && drop < room.entries.length - 1; drop += 1)
    over -= utf8Length((room.entries[drop] as Entry).data);
  while (drop < room.entries.length && (room.entries[drop] as Entry).atMs < oldestMs) drop += 1;
  if (drop === 0) return;
  room.base += drop;
  room.entries = room.entries.slice(drop);
}
