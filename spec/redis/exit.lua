#!lua flags=allow-oom
-- Takes a member away, unless a higher generation has entered; publishes that.

local held = redis.call('HGET', KEYS[1], ARGV[1])
-- Where there is nobody at all, somebody may have deleted them, and the readers still have this one.
if not held and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if held and tonumber(string.match(held, '^%d+') or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call(ARGV[3], ARGV[4], '-' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[1])
return 1
