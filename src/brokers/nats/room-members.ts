import type { Member } from "../../protocol/frames.ts";
import type { PresenceChange } from "../../server/broker.ts";
import type { Stored } from "./stored.ts";
import { nameOf } from "./subjects.ts";

/** A place in a room, as it is stored: somebody's, or nobody's any more. */
export interface Place {
  readonly member: Member | null;
  readonly generation: number;
  /** The node that answers for it. */
  readonly node: string;
}

/** A place, and the sequence of the message it was read from. */
export interface HeldPlace extends Place {
  readonly seq: number;
}

/** Those who went last and are remembered as gone. A change that comes late comes milliseconds late. */
const goneMax = 1000;

/**
 * Who is present in one room, kept up with what the stream says is stored. Messages that different nodes store at a time
 * may come live in another order than that of their sequences, so only those of one place are held against each other.
 */
export class RoomMembers {
  readonly #places = new Map<string, HeldPlace>();
  /** Sequences of what took away those who went last, the oldest first. */
  readonly #gone = new Map<string, number>();
  readonly #loadedSeq: number;
  #seq = 0;

  /** `stored`: everything under the room. */
  constructor(stored: readonly Stored[]) {
    this.#loadedSeq = 0;
    for (const message of stored) this.add(message);
    this.#loadedSeq = this.#seq;
  }

  get count(): number {
    return this.#places.size;
  }

  /** Sequence of the newest change taken in. */
  get seq(): number {
    return this.#seq;
  }

  place(session: string): HeldPlace | null {
    return this.#places.get(session) ?? null;
  }

  list(): Member[] {
    return Array.from(this.#places.values(), ({ member }) => member as Member);
  }

  /** Takes a change in; null when it makes no difference, or is an old one. */
  add({ subject, seq, body }: Stored): PresenceChange | null {
    const session = sessionOf(subject);
    const newest = this.#places.get(session)?.seq ?? this.#gone.get(session) ?? 0;
    if (seq <= Math.max(newest, this.#loadedSeq)) return null;
    this.#seq = Math.max(this.#seq, seq);
    this.#gone.delete(session);
    const place = decodePlace(body);
    if (place.member) {
      this.#places.set(session, { ...place, seq });
      return { set: place.member, count: this.#places.size };
    }
    this.#gone.set(session, seq);
    if (this.#gone.size > goneMax) this.#gone.delete(this.#gone.keys().next().value as string);
    return this.#places.delete(session) ? { gone: session, count: this.#places.size } : null;
  }
}

/** Subjects are `prefix.kind.id.room.session`. */
export function roomOf(subject: string): string {
  return nameOf(subject.split(".")[3] as string);
}

export function sessionOf(subject: string): string {
  return nameOf(subject.split(".")[4] as string);
}

export function decodePlace(body: string): Place {
  return JSON.parse(body) as Place;
}
