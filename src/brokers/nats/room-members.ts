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

/** Who is present in one room, kept up with what the stream says is stored. */
export class RoomMembers {
  readonly #places = new Map<string, HeldPlace>();
  #seq: number;

  /** `stored`: everything under the room. */
  constructor(stored: readonly Stored[]) {
    this.#seq = 0;
    for (const message of stored) this.add(message);
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
    if (seq <= this.#seq) return null;
    this.#seq = seq;
    const session = sessionOf(subject);
    const place = decodePlace(body);
    if (place.member) {
      this.#places.set(session, { ...place, seq });
      return { set: place.member, count: this.#places.size };
    }
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
