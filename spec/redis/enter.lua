#!lua
-- Adds a member, or replaces it, unless a higher generation has entered; publishes that.

local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and tonumber(string.match(held, '^%d+') or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call(ARGV[5], ARGV[6], '+' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[4])
return 1
