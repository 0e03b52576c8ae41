import { RecentRefs } from "../../base/recent-refs.ts";
import { ledgerLength } from "../../server/broker.ts";
import type { RoomIndex, RoomLedger } from "./room-index.ts";
import type { Store } from "./store.ts";
import { tokenOf } from "./subjects.ts";

type Fact = readonly [ref: number, offset: number];

/**
 * Keeps what a room's log says of who appended what beyond the removal of the entries: one message for each room and
 * session, written before anything is removed. Asked only for refs that may have been stored before.
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
    if (!ledger.isWhole) await this.#load(room, index.epoch, name, ledger);
  }

  /** Saves what the entries up to an offset say, so that they can be removed. */
  async save(room: string, index: RoomIndex, upTo: number, nowMs: number): Promise<void> {
    const saves: Promise<void>[] = [];
    for (const [name, ledger] of index.ledgers) {
      if (nowMs - ledger.at > this.#ttlMs) index.ledgers.delete(name);
      else if (ledger.firstUnsaved > 0 && ledger.firstUnsaved <= upTo)
        saves.push(this.#save(room, index, name, ledger));
    }
    await Promise.all(saves);
  }

  async #save(room: string, index: RoomIndex, name: string, ledger: RoomLedger): Promise<void> {
    for (;;) {
      if (!ledger.isWhole) await this.#load(room, index.epoch, name, ledger);
      const body = JSON.stringify(factsOf(ledger));
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
      ledger.isWhole = false;
    }
  }

  async #load(room: string, epoch: string, name: string, ledger: RoomLedger): Promise<void> {
    const saved = await this.#store.last(this.#subject(room, name));
    ledger.savedSeq = saved?.seq ?? 0;
    const facts = new Map(saved?.meta === epoch ? (JSON.parse(saved.body) as Fact[]) : []);
    for (const [ref, offset] of factsOf(ledger)) facts.set(ref, offset);
    const refs = new RecentRefs<number>(ledgerLength);
    for (const [ref, offset] of [...facts].sort(byOffset)) refs.add(ref, offset);
    ledger.refs = refs;
    ledger.isWhole = true;
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
