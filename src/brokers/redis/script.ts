import { createHash } from "node:crypto";

/** A Lua script, and the hash that Redis knows it by once it is loaded. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Flags of Redis 7: without any, a script is refused as a whole when the memory is full, before it has changed
 * anything. What takes away rather than adds, and what only looks, is allowed even then. Whatever asks the marker
 * reaches, in a Redis Cluster, for a key of another slot of the same server.
 */
export function script(
  flags: "" | "allow-oom" | "allow-cross-slot-keys" | "allow-oom,allow-cross-slot-keys",
  ...parts: readonly string[]
): Script {
  const lua = [flags ? `#!lua flags=${flags}` : "#!lua", ...parts].join("\n");
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Milliseconds by the server's clock: those of the nodes may differ. */
export const time = `
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end`;

const otherData = "OTHERDATA";

/** Whether a script refused because the data set is another one than it was run for. */
export function isOtherData(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(otherData);
}

/**
 * For what would begin something in the data set: gives an error when that is not the one the caller means, for it was
 * emptied, or put in the place of another one, since the caller looked.
 */
export const guard: string = `
local function otherData(marker, token)
  if redis.call('HGET', marker, 'token') == token then return nil end
  return redis.error_reply('${otherData} this is another data set by now')
end`;
