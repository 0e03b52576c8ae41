#!lua flags=allow-oom
-- Looks a ref up in a ledger, and prolongs the ledger.

local all = redis.call('GET', KEYS[1])
if not all then return nil end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return string.match(all, '(%d+ [^ ,]+) ' .. ARGV[1] .. ',') or nil
