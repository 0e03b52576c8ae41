import { RecentRefs } from "../../base/recent-refs.ts";
import { ledgerLength } from "../../server/broker.ts";
import type { RoomIndex, RoomLedger } from "./room-index.ts";
import type { Store } from "./store.ts";
import { tokenOf } from "./subjects.ts";

type Fact = readonly [ref: number, offset: number];

/** What is saved of a ledger: all since a message of the stream of logs. */
type Saved = readonly [since: number, facts: readonly Fact[]];

/** What is saved of a room: since which message all was saved that was removed, and up to which offset that was. */
type SavedRoom = readonly [since: number, upTo: number];

/**
 * Keeps what a room's log says of who appended what beyond the removal of the entries: one message for each room and
 * session, written before anything is removed. Asked only for refs that may have been stored before.
 *
 * Somebody may have taken something away, here or from the log. So a ledger says since when it is whole, and a room up
 * to where its log was removed in order: whatever else is missing at its beginning was in nobody's ledger.
 */
export class LedgerArchive {
  readonly #store: Store;
  readonly #ttlMs: number;

  /** `ttlMs`: how long a session may stay away and come back with what it sent before. */
  constructor(store: Store, ttlMs: number) {
    this.#store = store;
    this.#ttlMs = ttlMs;
  }

  /** Adds what was saved of a ledger. */
  async complete(room: string, index: RoomIndex, name: string): Promise<void> {
    const ledger = index.ledger(name);
    if (!ledger.isComplete) await this.#load(room, index, name, ledger);
  }

  /** Saves what the entries up to an offset say, so that they can be removed. */
  async save(room: string, index: RoomIndex, upTo: number, nowMs: number): Promise<void> {
    const saves: Promise<void>[] = [];
    for (const [name, ledger] of index.ledgers) {
      if (nowMs - ledger.at > this.#ttlMs) index.ledgers.delete(name);
      else if (ledger.firstUnsaved > 0 && ledger.firstUnsaved <= upTo)
        saves.push(this.#save(room, index, name, ledger));
    }
    const since = await this.#savedSince(room, index);
    await Promise.all(saves);
    const body = JSON.stringify([since, upTo] satisfies SavedRoom);
    await this.#store.write(this.#roomSubject(room), { meta: index.epoch, body });
  }

  async #save(room: string, index: RoomIndex, name: string, ledger: RoomLedger): Promise<void> {
    for (;;) {
      if (!ledger.isComplete) await this.#load(room, index, name, ledger);
      const body = JSON.stringify([ledger.since, factsOf(ledger)] satisfies Saved);
      const { head } = index;
      const seq = await this.#store.put(
        this.#subject(room, name),
        { meta: index.epoch, body },
        ledger.savedSeq,
      );
      if (seq !== null) {
        ledger.savedSeq = seq;
        // Entries may have come meanwhile.
        ledger.firstUnsaved = index.head > head ? head + 1 : 0;
        return;
      }
      // Another node saved it, or it is too old by now.
      ledger.isComplete = false;
    }
  }

  async #load(room: string, index: RoomIndex, name: string, ledger: RoomLedger): Promise<void> {
    const [saved, savedSince] = await Promise.all([
      this.#store.last(this.#subject(room, name)),
      this.#savedSince(room, index),
    ]);
    ledger.savedSeq = saved?.seq ?? 0;
    const [since, known]: Saved =
      saved?.meta === index.epoch ? (JSON.parse(saved.body) as Saved) : [Infinity, []];
    ledger.since = Math.min(ledger.since, Math.max(since, savedSince));
    const facts = new Map(known);
    for (const [ref, offset] of factsOf(ledger)) facts.set(ref, offset);
    const refs = new RecentRefs<number>(ledgerLength);
    for (const [ref, offset] of [...facts].sort(byOffset)) refs.add(ref, offset);
    ledger.refs = refs;
    ledger.isComplete = true;
  }

  /** From which message on all that the log no longer has was saved, or is known to this node. */
  async #savedSince(room: string, index: RoomIndex): Promise<number> {
    if (index.savedSince !== null) return index.savedSince;
    let since = index.since;
    if (index.firstOffset > 1) {
      const saved = await this.#store.last(this.#roomSubject(room));
      const [savedSince, upTo] = saved?.meta === index.epoch ? (JSON.parse(saved.body) as SavedRoom) : [0, 0];
      if (upTo >= index.firstOffset - 1) since = savedSince;
    }
    return (index.savedSince = since);
  }

  #roomSubject(room: string): string {
    return this.#store.subject(`cut.${tokenOf(room)}.=`);
  }

  #subject(room: string, name: string): string {
    return this.#store.subject(`room.${tokenOf(room)}.${tokenOf(name)}`);
  }
}

function factsOf({ refs }: RoomLedger): Fact[] {
  const facts: Fact[] = [];
  refs.some((ref, offset) => {
    facts.push([ref, offset]);
    return false;
  });
  return facts.sort(byOffset);
}

function byOffset(one: Fact, other: Fact): number {
  return one[1] - other[1];
}
