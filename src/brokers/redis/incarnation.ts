import type { Redis } from "ioredis";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { ClusterSettings } from "../../server/broker.ts";
import { layoutError } from "./layout-error.ts";
import { isMoved } from "./link.ts";
import { hasEntries, readRoomMessage } from "./messages.ts";
import { roomTtlMs } from "./log.ts";
import { scripts } from "./generated-scripts.ts";
import { loggedOf, type ServerInfo } from "./server-info.ts";

/** Who uses the data set. */
export interface DataSetUser {
  readonly node: string;
  readonly settings: ClusterSettings;
}

/** An entry as it came over a connection. */
interface Witness {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly data: string;
}

/** The newest one over a connection: heard ones are taken out of their message only when that is needed. */
interface Newest {
  readonly witness: () => Witness | null;
  readonly seenMs: number;
}

/**
 * Which data set a server has, as a token that changes whenever something written earlier may be gone.
 *
 * A marker key bears the token, so an emptied data set is a new one. A process that has taken the data over from another
 * one, or that was a replica meanwhile, keeps the token only if somebody vouches for it:
 *
 * - the nodes, if all that ever used it have left in order: each is noted in the marker until its last write is made,
 *   and writes are kept in their order, so that a data set which says so has everything before it;
 * - Redis, if it answers nothing before it is on disk (`appendfsync always`);
 * - this node, if it has seen the data set. The file may lack its end: Redis holds writes back while the disk is busy, a
 *   machine loses what was not on its disk, and people put copies back. What is lost then is always the end of what was
 *   written, so it is enough to look for the newest of what this node has seen, which nobody else can know: the last
 *   entry that came over each of its connections, and how far the marker had been counted up.
 *
 * The last two take the append-only file, on in both processes: with a snapshot, or with what a replica was given, the
 * end may be missing for all that anybody knows.
 */
export class Incarnation {
  token = "";
  readonly #user: () => DataSetUser;
  #isLeaving = false;
  /** The process that was found last, and what it had counted in the marker. */
  #run = "";
  #count = 0;
  /** Whether what comes now is surely of that process. */
  #isSure = false;
  #stored: Newest | null = null;
  #heard: Newest | null = null;

  constructor(user: () => DataSetUser) {
    this.#user = user;
  }

  /** Nothing more is written by this node. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** A connection is gone: what comes over the next one is looked at only once it is known whose it is. */
  doubt(): void {
    this.#isSure = false;
  }

  receiveStored(witness: Witness): void {
    if (this.#isSure) this.#stored = { witness: () => witness, seenMs: systemClock.elapsed() };
  }

  receiveHeard(channel: string, message: string): void {
    if (!this.#isSure || !hasEntries(message)) return;
    this.#heard = { witness: () => lastOf(channel, message), seenMs: systemClock.elapsed() };
  }

  /** Returns whether it was another data set before. */
  async identify(redis: Redis, info: ServerInfo, marker: string): Promise<boolean> {
    const run = info.get("run_id") ?? "";
    const isOther = run !== this.#run;
    const isLacking = isOther && (await this.#lacksWitness(redis));
    const logged = loggedOf(info);
    // Changes whenever this process ceases to be a replica.
    const turn = info.get("second_repl_offset") ?? "-1";
    const before = this.token;
    const seen = isLacking ? Number.MAX_SAFE_INTEGER : this.#count;
    const args = [systemRandom.id(8), run, turn, logged, logged !== "0" && turn === "-1" ? "1" : "0"];
    const { node, settings } = this.#user();
    args.push(before, isOther ? String(seen) : "0", nodeField(node), JSON.stringify(settings));
    if (this.#isLeaving) return false;
    const asked = redis.evalsha(scripts.identify.sha1, 1, marker, ...args);
    const reply = await asked.catch((error: unknown) => Promise.reject(layoutError(marker, error as Error)));
    const [token, count] = reply as [string, number];
    this.token = token;
    this.#run = run;
    this.#count = count;
    this.#isSure = true;
    if (token === before) return false;
    this.#stored = this.#heard = null;
    return before !== "";
  }

  async #lacksWitness(redis: Redis): Promise<boolean> {
    // What is known of a room that nobody uses is forgotten in the end.
    const oldestMs = systemClock.elapsed() - roomTtlMs;
    for (const newest of [this.#stored, this.#heard]) {
      const witness = newest && newest.seenMs > oldestMs ? newest.witness() : null;
      if (witness && !(await hasEntry(redis, witness))) return true;
    }
    return false;
  }
}

/** The field of the marker that says that a node uses the data set. */
export function nodeField(node: string): string {
  return `n:${node}`;
}

function lastOf(channel: string, message: string): Witness | null {
  const it = readRoomMessage(message);
  if (it?.kind !== "entries") return null;
  const { epoch, first, data } = it;
  return { channel, epoch, offset: first + data.length - 1, data: data[data.length - 1] as string };
}

async function hasEntry(redis: Redis, { channel, epoch, offset, data }: Witness): Promise<boolean> {
  try {
    const { sha1 } = scripts.holds;
    return (await redis.evalsha(sha1, 2, `${channel}:meta`, `${channel}:log`, epoch, offset, data)) === 1;
  } catch (error) {
    // Another server has the room now: this one can't tell.
    if (isMoved(error as Error)) return true;
    throw error;
  }
}
