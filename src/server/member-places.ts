/** A session that is a member of a room. */
interface Place {
  readonly session: string;
  readonly generation: number;
  /** Whether its connection is gone, and it stays only for the grace time. */
  isAbsent: boolean;
}

/**
 * How many members each user is in each room, on this node. Sessions cost nothing, so somebody who opens one after
 * another would otherwise be everybody that a list has room for.
 */
export class MemberPlaces {
  readonly #max: number;
  /** By room and user; places by session, oldest first. */
  readonly #places = new Map<string, Map<string, Place>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place. Gives the one that has to go for it: the oldest without a connection, or else the oldest. */
  take(room: string, user: string, { session, generation }: Omit<Place, "isAbsent">): Place | null {
    const key = keyOf(room, user);
    let places = this.#places.get(key);
    if (!places) this.#places.set(key, (places = new Map()));
    const isNew = !places.has(session);
    const all = isNew && places.size >= this.#max ? [...places.values()] : [];
    const replaced = all.find(({ isAbsent }) => isAbsent) ?? all[0] ?? null;
    if (replaced) places.delete(replaced.session);
    places.set(session, { session, generation, isAbsent: false });
    return replaced;
  }

  /** The session's connection is gone. */
  leaveEmpty(room: string, user: string, session: string): void {
    const place = this.#places.get(keyOf(room, user))?.get(session);
    if (place) place.isAbsent = true;
  }

  /** Gives the place back, unless a newer generation of the session has it. */
  free(room: string, user: string, { session, generation }: Omit<Place, "isAbsent">): void {
    const key = keyOf(room, user);
    const places = this.#places.get(key);
    const place = places?.get(session);
    if (!places || !place || place.generation > generation) return;
    places.delete(session);
    if (places.size === 0) this.#places.delete(key);
  }
}

/** No room name has a line break in it. */
function keyOf(room: string, user: string): string {
  return `${room}\n${user}`;
}
