#!lua flags=allow-oom
-- Takes members away that are still this owner's; publishes each.

for i = 4, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if held and string.match(held, '^%d+ (%S+)') == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call(ARGV[2], ARGV[3], '-' .. redis.call('HLEN', KEYS[1]) .. ' ' .. ARGV[i])
  end
end
return 1
