import { script, time, type Script } from "./script.ts";

/**
 * KEYS: members, a hash of session -> "<generation> <owner> <member>". ARGV: session, generation, owner, member,
 * "PUBLISH" or "SPUBLISH", channel, ttl.
 */
export const enter: Script = script(
  "",
  `
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call(ARGV[5], ARGV[6], '+' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[4])
return 1`,
);

/** KEYS: members. ARGV: session, generation, "PUBLISH" or "SPUBLISH", channel. */
export const exit: Script = script(
  "allow-oom",
  `
local held = redis.call('HGET', KEYS[1], ARGV[1])
-- Where there is nobody at all, somebody may have deleted them, and the readers still have this one.
if not held and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call(ARGV[3], ARGV[4], '-' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[1])
return 1`,
);

/** Takes members away that are still this owner's. KEYS: members. ARGV: owner, command, channel, sessions. */
export const evict: Script = script(
  "allow-oom",
  `
for i = 4, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if held and string.match(held, '^%d+ (%S+)') == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call(ARGV[2], ARGV[3], '-' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[i])
  end
end
return 1`,
);

/** KEYS: members. ARGV: limit. Returns: count, and the members if they are no more than that. */
export const members: Script = script(
  "allow-oom",
  `
local count = redis.call('HLEN', KEYS[1])
return {count, count <= tonumber(ARGV[1]) and redis.call('HVALS', KEYS[1]) or {}}`,
);

/**
 * Prolongs a lease, and finds those that have run out. A lease that has run out is never prolonged again: its members
 * may be half taken away.
 *
 * KEYS: leases. ARGV: owner, length, ttl, "1" to begin it. Returns: whether it is still there, then those that ran out.
 */
export const lease: Script = script(
  "allow-oom",
  time,
  `
local at = now()
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
local held = ARGV[4] == '1' or ends > at
if held then redis.call('ZADD', KEYS[1], string.format('%d', at + ARGV[2]), ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {held and 1 or 0, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', at))}`,
);

/** KEYS: leases. Returns the owners of those that have not run out. */
export const owners: Script = script(
  "allow-oom",
  time,
  `return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', now()), '+inf')`,
);
