/**
 * A broker on Redis 7 or later, or Valkey: one server, or a Redis Cluster, which is found out.
 *
 * What it keeps, with `p` the prefix. What is in braces decides where a key lies in a cluster, so each of these groups is
 * on one server, and one script does one call in one step.
 *
 * | key | is | goes |
 * |---|---|---|
 * | `p:{room}:meta` | text: token of the data set, epoch, head, times | after 2 days without use, plus the log's age bound |
 * | `p:{room}:log` | list of `<time>,<bytes up to here>:<data>`; the last one is entry `head` | entries by the bound of the room; all of it a quarter of the age bound after the last was too old |
 * | `p:{room}:ledger:<session>:<epoch>` | text of `<offset> <epoch> <ref>,` | 256 to about 420 entries; two lives of a session after it was last needed |
 * | `p:{room}:members` | hash: session to generation, lease and member | with their lease; after 4 days without use |
 * | `p:{s:<session>}:record` | hash: user, generation, epoch, token | `sessionTtlMs` after the last renewal, and so do the next four |
 * | `p:{s:<session>}:ref` | sorted set with one score: the highest ref | |
 * | `p:{s:<session>}:answers` | hash: ref to answer, how many are in their order | 256 answers, 1,048,576 characters, 1024 fields |
 * | `p:{s:<session>}:order` | list: which answer is older | as many |
 * | `p:{s:<session>}:rooms` | set: where the session has ledgers, and the empty name | |
 * | `p:{leases}` | sorted set: lease to its end | with the node |
 * | `p:{o:<lease>}:rooms` | set: rooms in which members of this lease are | with the lease; after 6 days without use |
 * | `p:{data}:marker` | hash: token of the data set, which process has it, how often that was looked for, which nodes use it | never: one in each server |
 *
 * Channels: `p:{room}` carries entries, signals and presence; `p:{all}` and `p:{n:<node>}` what nodes tell one another.
 * In a cluster they are sharded channels.
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
