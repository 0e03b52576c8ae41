#!lua flags=allow-oom
-- Prolongs a session that is still there, and whole.

-- shared: session
-- KEYS: record, ref, answers, order, rooms. Each of the last four is there from the opening on, so that one that is
-- missing is noticed: the set of rooms holds an empty name, and the answers say how long their order is.
local call = redis.call

local function isWhole()
  return call('EXISTS', KEYS[2]) == 1 and call('SISMEMBER', KEYS[5], '') == 1
    and tonumber(call('HGET', KEYS[3], 'answered') or -1) == call('LLEN', KEYS[4])
end

local function prolong(ttl)
  for i = 1, 5 do call('PEXPIRE', KEYS[i], ttl) end
end

-- The ledgers that there were, if any, do not count any more.
local function begin(ledger)
  call('DEL', KEYS[3], KEYS[4], KEYS[5])
  call('HSET', KEYS[1], 'ledger', ledger)
  call('ZADD', KEYS[2], 'GT', 0, 'ref')
  call('HSET', KEYS[3], 'answered', 0)
  call('SADD', KEYS[5], '')
end
-- end

if call('HGET', KEYS[1], 'ledger') ~= ARGV[1] or not isWhole() then return 0 end
prolong(ARGV[2])
return 1
