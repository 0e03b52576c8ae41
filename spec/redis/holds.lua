#!lua flags=allow-oom
-- Looks whether an entry is in a log as it was. One that the log no longer has to hold counts as if it were.

local epoch, head = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'head'))
local back = epoch == ARGV[1] and ARGV[2] - head - 1
if not back or back >= 0 then return 0 end
local entry = redis.call('LINDEX', KEYS[2], string.format('%d', back))
return (not entry or string.match(entry, '^%d+,%d+:(.*)$') == ARGV[3]) and 1 or 0
