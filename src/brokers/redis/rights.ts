import type { Redis } from "ioredis";
import { scripts } from "./generated-scripts.ts";

/** What is asked for outside of scripts. */
const plainCommands = [
  "DEL",
  "EXISTS",
  "GETRANGE",
  "HDEL",
  "HEXISTS",
  "HGET",
  "HMGET",
  "HSCAN",
  "PEXPIRE",
  "PING",
  "SADD",
  "SMEMBERS",
  "TYPE",
  "ZREM",
];

/** Throws what the user of a connection may not do, though it will have to. */
export async function checkRights(redis: Redis, key: string, publishCommand: string): Promise<void> {
  const called = Object.values(scripts).flatMap(({ lua }) => lua.match(/(?<=call\(')[A-Z]+/g) ?? []);
  const needed = new Set([...plainCommands, ...called, publishCommand]);
  const denied = (await redis.evalsha(scripts.denied.sha1, 1, key, ...needed)) as string[];
  if (denied.length > 0)
    throw new Error(`its user may not use ${denied.join(", ")} with ${key}; allow it that (ACL SETUSER)`);
}
