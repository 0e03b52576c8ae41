/**
 * The names of all keys and channels. What is in braces decides where a key lies in a cluster: everything of a room, and
 * everything of a session, lies together, so that a script can use it in one step.
 */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The room's channel, and what its keys begin with. */
  room(room: string): string {
    return `${this.#prefix}:{${escaped(room)}}`;
  }

  /** What the keys of a session begin with. */
  session(session: string): string {
    return `${this.#prefix}:{s:${session}}`;
  }

  /** The control channel of a node, or of all. No room's channel ends like it. */
  control(node: string | null): string {
    return `${this.#prefix}:{${node === null ? "all" : `n:${node}`}}:control`;
  }

  /** The rooms in which the members of a lease are. */
  leased(owner: string): string {
    return `${this.#prefix}:{o:${owner}}:rooms`;
  }

  /** All leases, with the moments at which they run out. */
  get leases(): string {
    return `${this.#prefix}:{leases}`;
  }

  /** What tells one data set from another: one in each server, found by the tag that leads there. */
  marker(tag: string): string {
    return `${this.#prefix}:{${tag}}:marker`;
  }
}

/** One session's publishes to one room, in the ledgers of that name: an older ledger is another key. */
export function ledgerKey(channel: string, session: string, ledger: string): string {
  return `${channel}:ledger:${session}:${ledger}`;
}

/** A brace would end the part that decides where the key lies; half of a surrogate pair would not arrive as itself. */
function escaped(name: string): string {
  return unsafe.test(name)
    ? name.replaceAll(unsafeAll, (char) => `%${char.charCodeAt(0).toString(16)};`)
    : name;
}

const unsafe = /[%{}\p{Cs}]/u;
const unsafeAll: RegExp = new RegExp(unsafe, "gu");

/** A ref as ledgers have it: of one width, so that the newest is found without a search. */
export function refText(ref: number): string {
  return String(ref).padStart(16, "0");
}

const slotCount = 16_384;

/** The slot of a Redis Cluster that a key with braces lies in: CRC-16 (XMODEM) of what is in them. */
export function slotOf(key: string): number {
  const start = key.indexOf("{") + 1;
  let crc = 0;
  for (const byte of Buffer.from(key.slice(start, key.indexOf("}", start)))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % slotCount;
}
