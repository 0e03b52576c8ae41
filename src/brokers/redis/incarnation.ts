import type { Redis } from "ioredis";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { hasEntries, readEntries } from "./entries-message.ts";
import { isMoved } from "./link.ts";
import { roomTtlMs } from "./log.ts";
import { scripts } from "./scripts.ts";

/** What a server says about itself. */
export type ServerInfo = ReadonlyMap<string, string>;

export async function readInfo(redis: Redis): Promise<ServerInfo> {
  const lines = (await redis.info()).split(/\r?\n/);
  const info = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return info;
}

/** Throws what keeps this server from being used, with what to do about it. */
export function checkServer(info: ServerInfo, allowEviction: boolean): void {
  const version = info.get("redis_version") ?? "";
  if (!(Number.parseInt(version, 10) >= 7))
    throw new Error(`it is Redis ${version || "of an unknown version"}; install 7.0 or later, or Valkey`);
  checkRole(info);
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction" && !allowEviction)
    throw new Error(
      `its maxmemory-policy is ${policy}, so it may throw logs and ledgers away; set it to noeviction ` +
        `(CONFIG SET maxmemory-policy noeviction), or set the option "allowEviction"`,
    );
}

/** Throws while the server can't take writes of its own. */
export function checkRole(info: ServerInfo): void {
  if (info.get("loading") === "1") throw new Error("it is still loading its data; wait until it has");
  if (info.get("role") === "slave") throw new Error("it is a replica; give the address of its master");
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
 * one, or that was a replica meanwhile, keeps the token only if nothing need have been lost on the way: both processes
 * had the append-only file on, and this one did not come to its data as a replica. With a snapshot, the end may be missing.
 *
 * The file may lack its end all the same: Redis holds writes back while the disk is busy, a machine loses what was not
 * on its disk, and people put copies back. What is lost then is always the end of what was written, so it is enough to
 * look for the newest of what this node has seen, which nobody else can know: the last entry that came over each of its
 * connections, and how far the marker had been counted up.
 */
export class Incarnation {
  token = "";
  /** The process that was found last, and what it had counted in the marker. */
  #run = "";
  #count = 0;
  /** Whether what comes now is surely of that process. */
  #isSure = false;
  #stored: Newest | null = null;
  #heard: Newest | null = null;

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
    const logged = info.get("aof_enabled") === "1";
    // Changes whenever this process ceases to be a replica.
    const turn = info.get("second_repl_offset") ?? "-1";
    const before = this.token;
    const seen = isLacking ? Number.MAX_SAFE_INTEGER : this.#count;
    const args = [systemRandom.id(8), run, turn, logged ? "1" : "0", logged && turn === "-1" ? "1" : "0"];
    args.push(before, isOther ? String(seen) : "0");
    const reply = await redis.evalsha(scripts.incarnation.sha, 1, marker, ...args);
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

function lastOf(channel: string, message: string): Witness | null {
  let last: Witness | null = null;
  readEntries(message, (epoch, entry) => (last = { channel, epoch, ...entry }));
  return last;
}

async function hasEntry(redis: Redis, { channel, epoch, offset, data }: Witness): Promise<boolean> {
  try {
    const { sha } = scripts.holds;
    return (await redis.evalsha(sha, 2, `${channel}:meta`, `${channel}:log`, epoch, offset, data)) === 1;
  } catch (error) {
    // Another server has the room now: this one can't tell.
    if (isMoved(error as Error)) return true;
    throw error;
  }
}
