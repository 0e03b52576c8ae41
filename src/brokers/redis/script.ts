import { createHash } from "node:crypto";

/** A Lua script, and the hash that Redis knows it by once it is loaded. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Flags of Redis 7: without any, a script is refused as a whole when the memory is full, before it has changed
 * anything. What takes away rather than adds, and what only looks, is allowed even then.
 */
export function script(flags: "" | "allow-oom", ...parts: readonly string[]): Script {
  const lua = [flags ? `#!lua flags=${flags}` : "#!lua", ...parts].join("\n");
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Milliseconds by the server's clock: those of the nodes may differ. */
export const time = `
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end`;
