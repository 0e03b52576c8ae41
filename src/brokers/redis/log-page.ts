import type { LogPage } from "../../server/broker.ts";
import type { Damage } from "./damage.ts";
import { isData } from "./messages.ts";

/** Logs of which it is remembered where something damaged was met last. */
const floorsMax = 1000;

/** What a log is read with: its key, and the offset that comes before the page. */
export interface PageRequest {
  readonly key: string;
  readonly after: number;
}

/** What the script that reads a log answers. */
type Reply = readonly [epoch: string, base: number, head: number, texts?: readonly string[]];

/**
 * Makes pages of what is read. Somebody may have written into a list what is no entry: no reader could be given it, and
 * none may miss it in silence. All up to there then counts as trimmed, on this node, so that readers are told of a gap.
 */
export class LogPages {
  readonly #damage: Damage;
  /** By key: up to where a log counts as trimmed. */
  readonly #floors = new Map<string, { readonly epoch: string; readonly offset: number }>();

  constructor(damage: Damage) {
    this.#damage = damage;
  }

  pageOf({ key, after }: PageRequest, [epoch, start, head, texts = []]: Reply): LogPage {
    const data = texts.map(dataOf);
    const damaged = data.lastIndexOf(null);
    if (damaged >= 0) this.#receiveDamage(key, epoch, after + 1 + damaged);
    const floor = this.#floors.get(key);
    const base = floor?.epoch === epoch ? Math.max(start, floor.offset) : start;
    if (after < base) return { epoch, base, head, entries: [] };
    return {
      epoch,
      base,
      head,
      entries: data.map((it, index) => ({ offset: after + 1 + index, data: it as string })),
    };
  }

  #receiveDamage(key: string, epoch: string, offset: number): void {
    this.#floors.delete(key);
    if (this.#floors.size >= floorsMax)
      for (const [oldest] of this.#floors) {
        this.#floors.delete(oldest);
        break;
      }
    this.#floors.set(key, { epoch, offset });
    this.#damage.report(
      key,
      `the entry with offset ${offset} is none: readers are told of a gap up to there`,
    );
  }
}

/** Of `<time>,<bytes>:<data>`; null when it is no entry. */
export function dataOf(text: string): string | null {
  const data = text.slice(text.indexOf(":") + 1);
  return isData(data) ? data : null;
}
