import type { BrokerSink, LogBound, LogState } from "../../server/broker.ts";
import type { Damage } from "./damage.ts";
import type { Keys } from "./keys.ts";
import type { Logs } from "./log.ts";
import { readRoomMessage, signalMessage } from "./messages.ts";
import type { Shard } from "./shard.ts";
import type { Topology } from "./topology.ts";

/** What {@link Subscriptions} needs of the broker. */
export interface SubscriptionsContext {
  readonly topology: Topology;
  readonly keys: Keys;
  readonly logs: Logs;
  readonly sink: BrokerSink;
  readonly damage: Damage;
}

/** What is published in rooms, and its way to the node. */
export class Subscriptions {
  readonly #topology: Topology;
  readonly #keys: Keys;
  readonly #logs: Logs;
  readonly #sink: BrokerSink;
  readonly #damage: Damage;
  /** By channel: which room, and where it is subscribed to. */
  readonly #rooms = new Map<string, { readonly room: string; shard: Shard }>();

  constructor({ topology, keys, logs, sink, damage }: SubscriptionsContext) {
    this.#topology = topology;
    this.#keys = keys;
    this.#logs = logs;
    this.#sink = sink;
    this.#damage = damage;
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
    this.#topology.shardOf(channel).publish(channel, signalMessage(key, data));
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
    const it = readRoomMessage(message);
    if (it === null) return this.#receiveDamage(channel, room);
    if (it.kind === "entries")
      for (const [index, data] of it.data.entries())
        this.#sink.receiveEntry(room, it.epoch, { offset: it.first + index, data });
    else if (it.kind === "signal") this.#sink.receiveSignal(room, it.key, it.data);
    else if (it.kind === "set") this.#sink.receivePresence(room, { set: it.member, count: it.count });
    else this.#sink.receivePresence(room, { gone: it.session, count: it.count });
  }

  /** It may stand for anything: the log and the members are read again. */
  #receiveDamage(channel: string, room: string): void {
    this.#damage.report(
      channel,
      "what was published there is no message of this system, and was passed over",
    );
    this.#sink.receiveHole(room);
  }
}
