#!lua flags=allow-cross-slot-keys
-- Opens or resumes a session, if its generation is higher than any before. One that is not whole, or of other data sets,
-- begins ledgers of its own.

-- shared: guard
-- For what would begin something in the data set: gives an error when that is not the one the caller means, for it was
-- emptied, or put in the place of another one, since the caller looked.
local function otherData(marker, token)
  if redis.call('HGET', marker, 'token') == token then return nil end
  return redis.error_reply('OTHERDATA this is another data set by now')
end
-- end

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

local refusal = otherData(ARGV[6], ARGV[7])
if refusal then return refusal end
local user, generation, ledger, token = unpack(call('HMGET', KEYS[1], 'user', 'generation', 'ledger', 'token'))
if user then
  if user ~= ARGV[1] then return {'mismatch'} end
  if tonumber(ARGV[2]) <= (tonumber(generation) or 0) then return {'stale'} end
end
if not user or not ledger or token ~= ARGV[4] or not isWhole() then
  ledger = ARGV[3]
  begin(ledger)
end
call('HSET', KEYS[1], 'user', ARGV[1], 'generation', ARGV[2], 'token', ARGV[4])
prolong(ARGV[5])
return {'opened', ledger, tonumber(call('ZSCORE', KEYS[2], 'ref')), call('SMEMBERS', KEYS[5])}
