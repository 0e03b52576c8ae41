import type { Member } from "../../protocol/frames.ts";
import type { Members } from "../../server/broker.ts";
import type { Damage } from "./damage.ts";
import { scripts } from "./generated-scripts.ts";
import type { Keys } from "./keys.ts";
import { roomTtlMs } from "./log.ts";
import { memberOf } from "./messages.ts";
import type { Shard } from "./shard.ts";
import type { Topology } from "./topology.ts";

/** Members looked through in one step when those of a node are taken away. */
const scanCount = 500;
/** Rooms looked after at a sign of life: each takes a command. */
const mendMax = 1000;

/** What this node has entered. */
interface Entered {
  readonly member: Member;
  readonly generation: number;
}

/**
 * Who is present. Each member is there under the lease of its node, in Redis and, so that it can be entered again if
 * the lease was lost, here.
 */
export class Presence {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #damage: Damage;
  readonly #entered = new Map<string, Map<string, Entered>>();
  /** Rooms that are, or are being, noted with the lease: whoever takes its members away has to know where they are. */
  #noted = new Map<string, Promise<void> | true>();
  #owner = "";
  /** Rooms that are yet to be looked after, until all were and it begins anew. */
  #unmended: string[] = [];

  constructor(topology: Topology, keys: Keys, damage: Damage) {
    this.#damage = damage;
    this.#topology = topology;
    this.#keys = keys;
  }

  /** Keeps the rooms in which this node has members. */
  async touch(): Promise<void> {
    for (const room of this.#entered.keys()) {
      const { key, shard } = this.#place(room);
      await shard.command("PEXPIRE", key, String(2 * roomTtlMs));
    }
    await this.#prolong(this.#owner);
  }

  async enter(room: string, member: Member, generation: number): Promise<void> {
    const held = this.#entered.get(room)?.get(member.session);
    if (!held || held.generation <= generation) this.#remember(room, { member, generation });
    await this.#enter(room, { member, generation });
  }

  async exit(room: string, session: string, generation: number): Promise<void> {
    const held = this.#entered.get(room)?.get(session);
    if (held && held.generation <= generation) this.#forget(room, session);
    // An exit must not overtake the enter before it.
    const noting = this.#noted.get(room);
    if (noting instanceof Promise) await noting.catch(() => {});
    const { key, channel, shard } = this.#place(room);
    await shard.run(scripts.exit, [key], [session, generation, shard.publishCommand, channel]);
  }

  async members(room: string, limit: number): Promise<Members> {
    const { key, shard } = this.#place(room);
    const reply = await shard.run(scripts.members, [key], [Math.min(limit, Number.MAX_SAFE_INTEGER)]);
    const [count, texts] = reply as [number, string[]];
    const members = texts.map(memberOf);
    const list = members.filter((member) => member !== null);
    if (list.length < members.length)
      this.#damage.report(key, "holds what is no member, and was passed over");
    return { count, list };
  }

  /**
   * Looks whether what this node entered is still there, and enters it again where it is not: keys that were deleted
   * take everybody in them along, so that one member shows it for all.
   */
  async mend(): Promise<void> {
    const leased = this.#keys.leased(this.#owner);
    const isListed = await this.#topology.shardOf(leased).command("EXISTS", leased);
    // Noted again with what is entered next; those that nobody enters are noted here.
    if (!isListed && this.#entered.size > 0) return this.take(this.#owner);
    if (this.#unmended.length === 0) this.#unmended = [...this.#entered.keys()];
    const looks = this.#unmended.splice(0, mendMax).map((room) => this.#mendRoom(room));
    await Promise.all(looks);
  }

  /** From now on everybody is there under this lease, those entered before too. */
  async take(owner: string): Promise<void> {
    this.#owner = owner;
    this.#noted = new Map();
    for (const [room, members] of this.#entered)
      await Promise.all(Array.from(members.values(), (entered) => this.#enter(room, entered)));
  }

  /** Takes away whoever is still there under a lease that is over. */
  async evict(owner: string): Promise<void> {
    const leased = this.#keys.leased(owner);
    const shard = this.#topology.shardOf(leased);
    const channels = (await shard.command("SMEMBERS", leased)) as string[];
    for (const channel of channels) await this.#evictFrom(channel, owner);
    await shard.command("DEL", leased);
  }

  async #enter(room: string, { member, generation }: Entered): Promise<void> {
    const owner = this.#owner;
    const noting = this.#note(room, owner);
    if (noting instanceof Promise) await noting;
    const { key, channel, shard } = this.#place(room);
    const args = [member.session, generation, owner, JSON.stringify(member)];
    await shard.run(scripts.enter, [key], [...args, shard.publishCommand, channel, 2 * roomTtlMs]);
  }

  async #mendRoom(room: string): Promise<void> {
    const members = this.#entered.get(room);
    const [first] = members?.keys() ?? [];
    if (!members || first === undefined) return;
    const { key, shard } = this.#place(room);
    if (await shard.command("HEXISTS", key, first)) return;
    await Promise.all(Array.from(members.values(), (entered) => this.#enter(room, entered)));
  }

  #note(room: string, owner: string): Promise<void> | true {
    const before = this.#noted.get(room);
    if (before) return before;
    const noted = this.#noted;
    const noting = this.#write(room, owner).then(
      () => void noted.set(room, true),
      (error: unknown) => {
        noted.delete(room);
        throw error;
      },
    );
    noted.set(room, noting);
    return noting;
  }

  async #write(room: string, owner: string): Promise<void> {
    const leased = this.#keys.leased(owner);
    await this.#topology.shardOf(leased).command("SADD", leased, this.#keys.room(room));
    await this.#prolong(owner);
  }

  async #prolong(owner: string): Promise<void> {
    const leased = this.#keys.leased(owner);
    await this.#topology.shardOf(leased).command("PEXPIRE", leased, String(3 * roomTtlMs));
  }

  async #evictFrom(channel: string, owner: string): Promise<void> {
    const key = `${channel}:members`;
    const shard = this.#topology.shardOf(key);
    let cursor = "0";
    do {
      const reply = await shard.command("HSCAN", key, cursor, "COUNT", String(scanCount));
      const [next, fields] = reply as [string, string[]];
      const theirs = fields.filter((_, index) => index % 2 === 0 && ownerOf(fields[index + 1]) === owner);
      if (theirs.length > 0)
        await shard.run(scripts.evict, [key], [owner, shard.publishCommand, channel, ...theirs]);
      cursor = next;
    } while (cursor !== "0");
  }

  #remember(room: string, entered: Entered): void {
    let members = this.#entered.get(room);
    if (!members) this.#entered.set(room, (members = new Map()));
    members.set(entered.member.session, entered);
  }

  #forget(room: string, session: string): void {
    const members = this.#entered.get(room);
    members?.delete(session);
    if (members?.size === 0) this.#entered.delete(room);
  }

  #place(room: string): { key: string; channel: string; shard: Shard } {
    const channel = this.#keys.room(room);
    return { key: `${channel}:members`, channel, shard: this.#topology.shardOf(channel) };
  }
}

/** Of "<generation> <owner> <member>". */
function ownerOf(text = ""): string {
  return text.split(" ", 2)[1] ?? "";
}
