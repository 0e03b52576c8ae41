#!lua flags=allow-oom
-- Prolongs a lease, and finds those that have run out. A lease that has run out is never prolonged again: its members
-- may be half taken away.

-- shared: now
-- Milliseconds by the server's clock: those of the nodes may differ.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- end

local at = now()
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
local held = ARGV[4] == '1' or ends > at
if held then redis.call('ZADD', KEYS[1], string.format('%d', at + ARGV[2]), ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {held and 1 or 0, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', at))}
