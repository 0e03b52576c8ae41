import { createHash } from "node:crypto";
import { emitWarning } from "node:process";
import type { Redis, RedisOptions } from "ioredis";
import type { ClusterSettings } from "../../server/broker.ts";
import { slotOf, type Keys } from "./keys.ts";
import { clientOptions, connect, destroy } from "./link.ts";
import { redact, type Settings } from "./options.ts";
import { checkServer, readInfo } from "./server-info.ts";
import { startError } from "./start-error.ts";
import { layout, scripts } from "./generated-scripts.ts";
import { checkScripts } from "./script.ts";
import { Shard } from "./shard.ts";
import type { Address, ShardContext } from "./shard-context.ts";

/** What {@link Topology} needs of the broker. */
export interface TopologyContext extends Pick<ShardContext, "receive" | "receiveHole" | "receiveOutage"> {
  readonly settings: Settings;
  readonly keys: Keys;
  readonly node: () => string;
  readonly nodeSettings: () => ClusterSettings;
  /** Data may have been lost somewhere. */
  receiveLoss(): void;
  /** Keys are found on other servers than before. */
  receiveShift(): void;
}

type Client = new (options: RedisOptions) => Redis;

/** Slots of a cluster, from `first` to `last`, and who serves them. */
interface SlotRange extends Address {
  readonly first: number;
  readonly last: number;
}

/** Which server has which key: one server for all of them, or the masters of a Redis Cluster. */
export class Topology {
  readonly #context: TopologyContext;
  #Client: Client | null = null;
  #url: URL;
  #clustered = false;
  /** By address. */
  #shards = new Map<string, Shard>();
  /** By slot; without a cluster, one for all of them. */
  #slots: Shard[] = [];
  #incarnation = "";
  #refreshing = false;
  #stopped = false;

  constructor(context: TopologyContext) {
    this.#context = context;
    this.#url = context.settings.urls[0] as URL;
  }

  /** Names all data sets together: ledgers of a session may be in any of them. */
  get incarnation(): string {
    return (this.#incarnation ||= nameOf(this.shards.map((shard) => shard.token)));
  }

  get publishCommand(): "PUBLISH" | "SPUBLISH" {
    return this.#clustered ? "SPUBLISH" : "PUBLISH";
  }

  shardOf(key: string): Shard {
    const shard = this.#slots[this.#clustered ? slotOf(key) : 0];
    if (!shard) throw new Error("no server of the Redis Cluster has this key now");
    return shard;
  }

  get shards(): readonly Shard[] {
    return [...this.#shards.values()];
  }

  async start(): Promise<void> {
    const { urls } = this.#context.settings;
    checkScripts(scripts, layout);
    this.#Client = await loadClient();
    // What a start that failed has left.
    this.#shards = new Map();
    this.#stopped = false;
    const ranges = await this.#explore();
    if (ranges) this.#clustered = true;
    else if (urls.length > 1)
      throw new Error(
        `redis broker: option "url" lists several servers, and ${redact(this.#url)} is in no cluster`,
      );
    try {
      const shards = this.#adopt(ranges ?? [{ first: 0, last: 0, ...addressOf(this.#url) }]);
      await Promise.all(shards.map((shard) => this.#open(shard)));
    } catch (error) {
      await this.leave();
      this.stop();
      throw error;
    }
  }

  /** Says once what the end of a machine may cost: nobody would see it otherwise before that. */
  warn(): void {
    for (const { address, risk } of this.shards)
      if (risk !== null)
        emitWarning(`redis broker: ${address.host}:${address.port}: ${risk}`, "BowlineWarning");
  }

  /** A node is gone, in order or not, and what it wrote is there. */
  async forgetNode(node: string): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.forgetNode(node)));
  }

  /** The last that this node writes. */
  async leave(): Promise<void> {
    const node = this.#context.node();
    // Where that can't be written, nothing is missing but the word of it.
    await Promise.allSettled(this.shards.map((shard) => shard.leave(node)));
  }

  stop(): void {
    this.#stopped = true;
    for (const shard of this.#shards.values()) shard.stop();
  }

  /** Says of what went wrong at the start where that was. */
  startError(error: Error): Error {
    return startError(this.#url, error);
  }

  async #open(shard: Shard): Promise<void> {
    try {
      await shard.open();
    } catch (error) {
      const { host, port } = shard.address;
      const url = new URL(this.#url);
      url.host = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      throw startError(url, error as Error);
    }
  }

  /** Finds out which server has which slot now. */
  async refresh(): Promise<void> {
    if (!this.#clustered || this.#refreshing || this.#stopped) return;
    this.#refreshing = true;
    try {
      const ranges = await this.#ask();
      if (this.#stopped) return;
      const before = this.#slots;
      for (const shard of this.#adopt(ranges)) shard.openLater();
      if (this.#slots.some((shard, slot) => shard !== before[slot])) this.#context.receiveShift();
    } finally {
      this.#refreshing = false;
    }
  }

  /** The first of the addresses that answers; its slots if it is in a cluster. */
  async #explore(): Promise<readonly SlotRange[] | null> {
    let failure: Error | null = null;
    for (const url of this.#context.settings.urls) {
      try {
        this.#url = url;
        return await this.#scout(addressOf(url), async (redis) => {
          const clustered = (await readInfo(redis)).get("cluster_enabled") === "1";
          return clustered ? readSlots(redis, url) : null;
        });
      } catch (error) {
        failure ??= startError(url, error as Error);
      }
    }
    throw failure ?? new Error("no url");
  }

  /** The slots, from the first member that answers. */
  async #ask(): Promise<readonly SlotRange[]> {
    const known = this.shards.map((shard) => shard.address);
    for (const address of [...known, ...this.#context.settings.urls.map(addressOf)]) {
      try {
        return await this.#scout(address, (redis) => readSlots(redis, this.#url));
      } catch {
        // The next one may know.
      }
    }
    throw new Error("no member of the Redis Cluster can be reached");
  }

  /** Asks a server something over a connection of its own. */
  async #scout<T>(address: Address, ask: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = this.#create(address);
    try {
      return await connect(redis, this.#context.settings.timeoutMs, () => ask(redis));
    } finally {
      destroy(redis);
    }
  }

  /** Takes a map of the slots over; returns the servers that are new in it. Those that have none any more are left. */
  #adopt(ranges: readonly SlotRange[]): Shard[] {
    const before = this.#shards;
    const added: Shard[] = [];
    this.#shards = new Map();
    this.#slots = [];
    for (const range of ranges) {
      const address = `${range.host}:${range.port}`;
      let shard = this.#shards.get(address) ?? before.get(address);
      if (!shard) added.push((shard = this.#shard(range)));
      this.#shards.set(address, shard);
      for (let slot = range.first; slot <= range.last; slot++) this.#slots[slot] = shard;
    }
    for (const [address, shard] of before) if (!this.#shards.has(address)) this.#leave(shard);
    return added;
  }

  #leave(shard: Shard): void {
    shard.stop();
    this.#context.receiveOutage(shard, null);
    // Its slots have come to others, which may have them in another state.
    this.#receiveToken(true);
  }

  #shard(range: SlotRange): Shard {
    const { keys, settings, ...context } = this.#context;
    const shard: Shard = new Shard({
      receive: context.receive,
      receiveHole: context.receiveHole,
      receiveOutage: context.receiveOutage,
      receiveToken: (isNew) => this.#receiveToken(isNew),
      receiveMoved: () => void this.refresh().catch(ignore),
      address: { host: range.host, port: range.port },
      create: () => this.#create(range),
      check: (info) => checkServer(info, settings.allowEviction),
      timeoutMs: settings.timeoutMs,
      clustered: this.#clustered,
      node: () => context.node(),
      nodeSettings: () => context.nodeSettings(),
      marker: () => keys.marker(this.#tagOf(shard)),
    });
    return shard;
  }

  #create({ host, port }: Address): Redis {
    const { username, password, pathname, protocol } = this.#url;
    const { client, timeoutMs } = this.#context.settings;
    return new (this.#Client as Client)({
      ...(protocol === "rediss:" && { tls: {} }),
      ...client,
      ...clientOptions,
      host,
      port,
      connectTimeout: timeoutMs,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      db: Number(pathname.slice(1)),
    });
  }

  #receiveToken(isNew: boolean): void {
    this.#incarnation = "";
    if (isNew) this.#context.receiveLoss();
  }

  /** A tag that leads to a slot of this server: the same on every node. */
  #tagOf(shard: Shard): string {
    if (!this.#clustered) return "data";
    for (let number = 0; number < 1_000_000; number++) {
      if (this.#slots[slotOf(`{m${number}}`)] === shard) return `m${number}`;
    }
    throw new Error("this member of the Redis Cluster has no slots any more");
  }
}

/** All data sets together, under one short name. */
function nameOf(tokens: readonly string[]): string {
  const [only = ""] = tokens;
  if (tokens.length === 1) return only;
  return createHash("sha1").update(tokens.toSorted().join(" ")).digest("base64url").slice(0, 12);
}

async function loadClient(): Promise<Client> {
  try {
    return (await import("ioredis")).Redis;
  } catch (error) {
    throw new Error("redis broker: the package ioredis is missing; install it: npm install ioredis", {
      cause: error,
    });
  }
}

function addressOf(url: URL): Address {
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port || 6379) };
}

async function readSlots(redis: Redis, url: URL): Promise<SlotRange[]> {
  const ranges = (await redis.cluster("SLOTS")) as unknown as [number, number, [string | null, number]][];
  if (ranges.length === 0) throw new Error("its cluster has no slots assigned; create the cluster first");
  // A member that does not know its own name leaves it out.
  return ranges.map(([first, last, [host, port]]) => ({
    first,
    last,
    host: host || addressOf(url).host,
    port,
  }));
}

function ignore(): void {}
