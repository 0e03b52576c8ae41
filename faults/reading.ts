import type { Position } from "bowline/protocol";
import type { ReaderLog, Sent, Told } from "./history.ts";
import type { Publications } from "./publications.ts";

/** What one reader's log of one room comes to. */
export interface ReadingVerdict {
  readonly delivered: number;
  readonly gaps: number;
  /** Never delivered, and no gap said so. */
  readonly lost: readonly string[];
  readonly repeated: readonly string[];
  readonly misordered: readonly string[];
  /** Never delivered, and a gap said so. */
  readonly missed: number;
}

/** Reads one reader's log again, and notes what is not as promised. */
export class Reading {
  readonly #log: ReaderLog;
  readonly #publications: Publications;
  readonly #sent: ReadonlyMap<string, Sent>;
  readonly #seen = new Map<string, Position>();
  readonly #repeated: string[] = [];
  readonly #misordered: string[] = [];
  /** Places that were passed over without a word. What was at them may still be delivered out of order. */
  readonly #holes: Position[] = [];
  /** Changes of the epoch that nobody announced: a loss each, also where the reader happened to miss nothing. */
  readonly #silentChanges: string[] = [];
  /** The newest message of each sender in this epoch. */
  readonly #newest = new Map<string, number>();
  #start: Position | null = null;
  #place: Position | null = null;
  #delivered = 0;
  #gaps = 0;

  constructor(log: ReaderLog, publications: Publications, sent: ReadonlyMap<string, Sent>) {
    this.#log = log;
    this.#publications = publications;
    this.#sent = sent;
  }

  /** Judges it up to where the room's log ended. */
  judge(end: Position | undefined): ReadingVerdict {
    for (const entry of this.#log.told) this.#read(entry);
    this.#finish(end);
    const lost = this.#lost();
    return {
      delivered: this.#delivered,
      gaps: this.#gaps,
      lost,
      repeated: this.#repeated,
      misordered: this.#misordered,
      missed: this.#missed(lost),
    };
  }

  #read(entry: Told): void {
    switch (entry.type) {
      case "joined":
        this.#start ??= entry.position;
        this.#place ??= entry.position;
        return;
      case "gap":
        return this.#readGap(entry.reason, entry.position);
      case "delivered":
        return this.#readDelivery(entry.id, entry.position);
    }
  }

  /** What a gap covers, is not lost: of the epoch it ends everything, of its own what comes before its position. */
  #readGap(reason: "epoch" | "trimmed", position: Position): void {
    this.#gaps += 1;
    const changesEpoch = this.#place !== null && this.#place.epoch !== position.epoch;
    // A trimmed log is the same log: this one does not say what became of the other.
    if (changesEpoch && reason === "trimmed") this.#leaveEpoch();
    if (changesEpoch) this.#newest.clear();
    this.#place = position;
  }

  #readDelivery(id: string, position: Position): void {
    this.#delivered += 1;
    const before = this.#seen.get(id);
    if (before) {
      this.#repeated.push(`${id} at ${textOf(before)} and ${textOf(position)}`);
      this.#advance(position);
      return;
    }
    this.#seen.set(id, position);
    if (this.#place && position.epoch !== this.#place.epoch) {
      this.#leaveEpoch();
      this.#newest.clear();
      this.#place = { epoch: position.epoch, offset: 0 };
    }
    const isLate = this.#place !== null && position.offset <= this.#place.offset;
    if (isLate || !this.#keepsSendersOrder(id)) this.#misordered.push(id);
    this.#advance(position);
  }

  /** Moves on to a place of this epoch; what lies between was passed over. */
  #advance({ epoch, offset }: Position): void {
    if (this.#place && (this.#place.epoch !== epoch || offset <= this.#place.offset)) return;
    if (this.#place) this.#passOver(this.#place.offset, { epoch, offset: offset - 1 });
    this.#place = { epoch, offset };
  }

  #keepsSendersOrder(id: string): boolean {
    const message = this.#sent.get(id);
    if (!message) return true;
    const { sender, n } = message;
    const newest = this.#newest.get(sender) ?? -Infinity;
    this.#newest.set(sender, Math.max(newest, n));
    return n > newest;
  }

  /** The reader is in another epoch, and was not told what became of the rest of this one. */
  #leaveEpoch(): void {
    if (!this.#place) return;
    const { epoch, offset } = this.#place;
    this.#silentChanges.push(`the gap after ${epoch}/${offset}`);
    this.#passOver(offset, { epoch, offset: this.#publications.head(epoch) });
  }

  #finish(end: Position | undefined): void {
    if (!this.#place) return;
    if (!end || end.epoch === this.#place.epoch) {
      const { epoch, offset } = this.#place;
      return this.#passOver(offset, { epoch, offset: end?.offset ?? this.#publications.head(epoch) });
    }
    this.#leaveEpoch();
    this.#passOver(0, end);
  }

  #passOver(after: number, { epoch, offset: last }: Position): void {
    for (let offset = after + 1; offset <= last; offset += 1) this.#holes.push({ epoch, offset });
  }

  #lost(): string[] {
    const { reader } = this.#log;
    const passedOver = this.#holes.map((hole) => ({ hole, id: this.#publications.idAt(hole) }));
    const missing = passedOver.filter(({ id }) => id === undefined || !this.#seen.has(id));
    const displaced = [...this.#publications.displaced].filter((id) => !this.#seen.has(id));
    const names = missing.map(({ hole, id }) => id ?? `what is at ${textOf(hole)}`);
    return [...new Set([...names, ...displaced, ...this.#silentChanges])].map(
      (name) => `${name} at ${reader}`,
    );
  }

  #missed(lost: readonly string[]): number {
    const before = new Set(this.#start ? this.#publications.idsUpTo(this.#start) : []);
    const unseen = [...this.#publications.ids].filter((id) => !this.#seen.has(id) && !before.has(id));
    const announced = new Set(lost);
    return unseen.filter((id) => !announced.has(`${id} at ${this.#log.reader}`)).length;
  }
}

function textOf({ epoch, offset }: Position): string {
  return `${epoch}/${offset}`;
}
