import type { Member } from "../../protocol/frames.ts";
import type { BrokerSink, LogBound, LogState } from "../../server/broker.ts";
import { hasEntries, readEntries } from "./entries-message.ts";
import type { Keys } from "./keys.ts";
import type { Logs } from "./log.ts";
import type { Shard } from "./shard.ts";
import type { Topology } from "./topology.ts";

/**
 * What is published, and its way to the node. The first character of a message says what it is; data is carried as it
 * is, with its length in front, so that nobody has to encode it once more.
 */
export class Subscriptions {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #logs: Logs;
  readonly #sink: BrokerSink;
  /** By channel: which room, and where it is subscribed to. */
  readonly #rooms = new Map<string, { readonly room: string; shard: Shard }>();

  constructor(topology: Topology, keys: Keys, logs: Logs, sink: BrokerSink) {
    this.#topology = topology;
    this.#keys = keys;
    this.#logs = logs;
    this.#sink = sink;
  }

  get rooms(): string[] {
    return Array.from(this.#rooms.values(), ({ room }) => room);
  }

  async subscribe(room: string, bound: LogBound): Promise<LogState> {
    const channel = this.#keys.room(room);
    const shard = this.#topology.shardOf(channel);
    this.#rooms.set(channel, { room, shard });
    // Listening first: nothing is appended between the state and what is heard.
    await shard.subscribe(channel);
    const { epoch, base, head } = await this.#logs.read(room, 0, 0, bound);
    return { epoch, base, head };
  }

  async unsubscribe(room: string): Promise<void> {
    const channel = this.#keys.room(room);
    const held = this.#rooms.get(channel);
    this.#rooms.delete(channel);
    await held?.shard.unsubscribe(channel);
  }

  signal(room: string, key: string, data: string): void {
    const channel = this.#keys.room(room);
    this.#topology.shardOf(channel).publish(channel, `s${key.length} ${key}${data}`);
  }

  /** Everything may have changed without a word. */
  receiveHoles(): void {
    for (const { room } of this.#rooms.values()) this.#sink.receiveHole(room);
  }

  receiveHole(channels: readonly string[]): void {
    for (const channel of channels) {
      const held = this.#rooms.get(channel);
      if (held) this.#sink.receiveHole(held.room);
    }
  }

  /** Follows the rooms to the servers that have them now. */
  move(): void {
    for (const [channel, held] of this.#rooms) {
      const shard = this.#topology.shardOf(channel);
      if (shard === held.shard) continue;
      held.shard.unsubscribe(channel).catch(() => {});
      held.shard = shard;
      shard.subscribeLater(channel);
    }
  }

  receive(channel: string, message: string): void {
    const room = this.#rooms.get(channel)?.room;
    if (room === undefined) return;
    if (hasEntries(message))
      readEntries(message, (epoch, entry) => this.#sink.receiveEntry(room, epoch, entry));
    else if (message.startsWith("s")) this.#receiveSignal(room, message);
    else this.#receivePresence(room, message);
  }

  /** `s<length of the key> <key><data>` */
  #receiveSignal(room: string, message: string): void {
    const start = message.indexOf(" ") + 1;
    const end = start + Number(message.slice(1, start));
    this.#sink.receiveSignal(room, message.slice(start, end), message.slice(end));
  }

  /** `+<count> <member>` or `-<count> <session>` */
  #receivePresence(room: string, message: string): void {
    const space = message.indexOf(" ");
    const count = Number(message.slice(1, space));
    const what = message.slice(space + 1);
    if (message.charAt(0) === "+")
      this.#sink.receivePresence(room, { set: JSON.parse(what) as Member, count });
    else this.#sink.receivePresence(room, { gone: what, count });
  }
}
