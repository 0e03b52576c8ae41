import type { Redis } from "ioredis";

/** What a server says about itself. */
export type ServerInfo = ReadonlyMap<string, string>;

/** What `INFO` says, and those settings that it does not. */
export async function readInfo(redis: Redis): Promise<ServerInfo> {
  const [text, settings] = await Promise.all([redis.info(), readSettings(redis)]);
  const info = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  for (let index = 1; index < settings.length; index += 2)
    info.set(settings[index - 1] as string, settings[index] as string);
  return info;
}

/** Names and values; none where they may not be asked for, as of a Redis that somebody else looks after. */
async function readSettings(redis: Redis): Promise<string[]> {
  try {
    return (await redis.call("CONFIG", "GET", "appendfsync", "no-appendfsync-on-rewrite")) as string[];
  } catch (error) {
    if (/^(NOPERM|ERR) /.test((error as Error).message)) return [];
    throw error;
  }
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

/** Whether writes are logged: not, or sooner or later, or before they are answered. */
export function loggedOf(info: ServerInfo): "0" | "1" | "2" {
  if (info.get("aof_enabled") !== "1") return "0";
  const isSynced = info.get("appendfsync") === "always" && info.get("no-appendfsync-on-rewrite") === "no";
  return isSynced ? "2" : "1";
}

/** What the end of the machine may cost, and what to do about it; null if nothing. */
export function riskOf(info: ServerInfo): string | null {
  const fsync = info.get("appendfsync");
  const advice = 'see "How safe is what was acknowledged" in docs/guarantees.md';
  if (info.get("aof_enabled") !== "1")
    return `its appendonly is off: it may lose whatever came since its last snapshot; set it to yes, and ${advice}`;
  if (fsync === undefined)
    return `its appendfsync may not be asked for; unless that is always, a power cut loses the last second or more: ${advice}`;
  if (loggedOf(info) === "2") return null;
  const name = fsync === "always" ? "no-appendfsync-on-rewrite is yes" : `appendfsync is ${fsync}`;
  return `its ${name}: a power cut loses the last second or more of what was acknowledged; ${advice}`;
}
