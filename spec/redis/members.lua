#!lua flags=allow-oom
-- How many members there are, and the members if they are no more than the limit.

local count = redis.call('HLEN', KEYS[1])
return {count, count <= tonumber(ARGV[1]) and redis.call('HVALS', KEYS[1]) or {}}
