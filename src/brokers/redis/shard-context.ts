import type { Redis } from "ioredis";
import type { ClusterSettings } from "../../server/broker.ts";
import type { ServerInfo } from "./server-info.ts";
import type { Shard } from "./shard.ts";

/** Where a server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a {@link Shard} needs of the broker. */
export interface ShardContext {
  readonly address: Address;
  create(): Redis;
  /** Throws what keeps the server from being used. */
  check(info: ServerInfo): void;
  /** Who this is to other nodes, and what it was started with. */
  node(): string;
  nodeSettings(): ClusterSettings;
  /** The key that tells one data set from another. */
  marker(): string;
  readonly timeoutMs: number;
  readonly clustered: boolean;
  receive(channel: string, message: string): void;
  /** These channels were interrupted, and are delivered again. */
  receiveHole(channels: readonly string[]): void;
  /** The server can't be used, and why; or, with null, it can again. */
  receiveOutage(shard: Shard, reason: Error | null): void;
  /** Its data set was found out; `isNew`: it was another one before. */
  receiveToken(isNew: boolean): void;
  /** It is not, or not any more, the server for the key that was asked for. */
  receiveMoved(): void;
}

/** What a script is run with. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}
