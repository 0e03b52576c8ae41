import type { Position } from "bowline/protocol";
import type { History } from "./history.ts";

/** What is known of one room's logs, from all acknowledgements and deliveries together. */
export class Publications {
  /** Ids of publications that are known to have been in a log. */
  readonly ids = new Set<string>();
  /** Acknowledged, but at their place is something else. */
  readonly displaced = new Set<string>();
  /** Places that were said to hold two different publications. */
  conflicts = 0;
  readonly #logs = new Map<string, { readonly ids: Map<number, string>; head: number }>();

  /** Notes that a publication is at a place. */
  add(id: string, { epoch, offset }: Position, isAcknowledged: boolean): void {
    this.ids.add(id);
    let log = this.#logs.get(epoch);
    if (!log) this.#logs.set(epoch, (log = { ids: new Map(), head: 0 }));
    log.head = Math.max(log.head, offset);
    const known = log.ids.get(offset);
    if (known === undefined) log.ids.set(offset, id);
    if (known === undefined || known === id) return;
    this.conflicts += 1;
    if (isAcknowledged) this.displaced.add(id);
  }

  /** The highest offset known of an epoch; 0 if nothing is. */
  head(epoch: string): number {
    return this.#logs.get(epoch)?.head ?? 0;
  }

  /** What is at a place, if anybody said. */
  idAt({ epoch, offset }: Position): string | undefined {
    return this.#logs.get(epoch)?.ids.get(offset);
  }

  /** What is at the places of an epoch up to an offset. */
  idsUpTo({ epoch, offset }: Position): string[] {
    return [...(this.#logs.get(epoch)?.ids ?? [])].flatMap(([at, id]) => (at <= offset ? [id] : []));
  }
}

/** Collects it for every room. */
export function collectPublications(history: History): Map<string, Publications> {
  const rooms = new Map<string, Publications>();
  const of = (room: string): Publications => {
    let publications = rooms.get(room);
    if (!publications) rooms.set(room, (publications = new Publications()));
    return publications;
  };
  // Deliveries first: where an acknowledgement names another one's place, it is the acknowledgement that is wrong.
  for (const { room, told } of history.readers) {
    const publications = of(room);
    for (const entry of told) {
      if (entry.type === "delivered") publications.add(entry.id, entry.position, false);
    }
  }
  const roomOf = new Map(history.sent.map(({ id, room }) => [id, room]));
  for (const { id, position } of history.acknowledged) {
    const room = roomOf.get(id);
    if (room !== undefined) of(room).add(id, position, true);
  }
  return rooms;
}
