/**
 * A broker on Redis 7 or later, or Valkey: one server, or a Redis Cluster, which is found out.
 *
 * What it keeps, which keys expire when, and what nodes say to one another is written down in spec/REDIS.md, so that nodes
 * of other languages can share it; the scripts are in spec/redis.
 *
 * How safe is what was acknowledged? As safe as Redis makes it. With `appendonly yes` and `appendfsync always` it is on
 * disk. With `appendfsync everysec` the end of the machine may lose the last seconds, and so may the end of the process
 * while the disk is busy, for Redis holds writes back then; with a disk that keeps up, the end of the process loses
 * nothing. Without an append-only file, or when a replica takes over, the newest writes may be gone.
 *
 * The broker finds that out when it connects again, and then lets all logs and ledgers begin anew: clients are told of a
 * gap, and of calls that are uncertain, rather than being left with a hole that nobody knows of. Another process of Redis
 * has the same data set only if somebody vouches for it: Redis, if the one before answered nothing before it was on disk;
 * all nodes, if each had left in order, which is the last that it writes; or, with the append-only file, a node that still
 * lives: it looks whether the newest entry that it has seen is there, and whether the marker was counted as far. So what
 * can't be seen is a copy that is put back from when all had left, a loss of entries that no living node had stored or
 * heard of, and one of nothing but sessions, answers and members since the last sign of life of each node, a third of
 * `leaseMs` ago at most.
 *
 * A data set that is emptied, or loses its marker, under a living connection is noticed by the next call that would begin
 * or append anything: it is refused by the script, and made again for the data set that there is then. Of single keys
 * that are deleted or evicted, a room's begin its log anew, a session's its ledgers, and members are entered again within
 * a third of `leaseMs`, 1000 rooms at a time.
 *
 * `maxmemory-policy` has to be `noeviction`. A Redis that is full then counts as an outage until there is room.
 */
import type { Broker } from "../../server/broker.ts";
import { settingsOf, type RedisBrokerOptions } from "./options.ts";
import { RedisBroker } from "./redis-broker.ts";

export type { RedisBrokerOptions } from "./options.ts";

/**
 * Makes a broker on Redis, for any number of nodes. It needs the package `ioredis` (`npm install ioredis`), and keeps
 * two connections from each node to each Redis server. One broker serves one server, which starts and stops it.
 *
 * Throws a `TypeError` for an option that can't be. The server's start rejects when Redis can't be used, with an error
 * that says why and what to do; later on it is waited for.
 *
 * @example
 * createServer(chat, { broker: redis({ url: "redis://127.0.0.1:6379" }) });
 */
export function redis(options: RedisBrokerOptions): Broker {
  return new RedisBroker(settingsOf(options));
}
