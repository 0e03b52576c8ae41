#!lua flags=allow-oom
-- The owners of the leases that have not run out.

-- shared: now
-- Milliseconds by the server's clock: those of the nodes may differ.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- end

return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', now()), '+inf')
