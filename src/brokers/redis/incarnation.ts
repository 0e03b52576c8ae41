import type { Redis } from "ioredis";
import { systemRandom } from "../../base/random.ts";
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

/**
 * Which data set a server has, as a token that changes whenever something written earlier may be gone.
 *
 * A marker key bears the token, so an emptied data set is a new one. A process that has taken the data over from another
 * one keeps the token only if nothing can have been lost on the way: both have the append-only file on, and this one did
 * not come to its data as a replica. With a snapshot, the end may be missing.
 */
export async function identify(redis: Redis, info: ServerInfo, marker: string): Promise<string> {
  const logged = info.get("aof_enabled") === "1";
  const wasReplica = (info.get("second_repl_offset") ?? "-1") !== "-1";
  const token = await redis.evalsha(
    scripts.incarnation.sha,
    1,
    marker,
    systemRandom.id(8),
    info.get("run_id") ?? "",
    logged ? "1" : "0",
    logged && !wasReplica ? "1" : "0",
  );
  return String(token);
}
