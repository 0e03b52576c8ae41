#!lua
-- Stores the answer of a claimed request, and forgets the oldest ones. The order is a list of "<ref> <bytes>", oldest
-- first.

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
if call('HGET', KEYS[3], ARGV[2]) ~= 'r' then return 0 end
call('HSET', KEYS[3], ARGV[2], 'a' .. ARGV[3])
local total = call('HINCRBY', KEYS[3], 'bytes', #ARGV[3])
local count = call('RPUSH', KEYS[4], ARGV[2] .. ' ' .. #ARGV[3])
local forgotten = tonumber(call('HGET', KEYS[3], 'forgotten') or 0)
if count > tonumber(ARGV[5]) then
  local ref, bytes = string.match(call('LPOP', KEYS[4]), '(%d+) (%d+)')
  call('HDEL', KEYS[3], ref)
  total = call('HINCRBY', KEYS[3], 'bytes', -bytes)
  call('HSET', KEYS[3], 'forgotten', string.format('%d', math.max(forgotten, tonumber(ref))))
  count = count - 1
end
call('HSET', KEYS[3], 'answered', count)
local oldest = 0
while total > tonumber(ARGV[6]) do
  local ref, bytes = string.match(call('LINDEX', KEYS[4], oldest), '(%d+) (%d+)')
  if tonumber(bytes) > 0 then
    call('HSET', KEYS[3], ref, 'f')
    call('LSET', KEYS[4], oldest, ref .. ' 0')
    total = call('HINCRBY', KEYS[3], 'bytes', -bytes)
  end
  oldest = oldest + 1
end
call('PEXPIRE', KEYS[3], ARGV[4])
call('PEXPIRE', KEYS[4], ARGV[4])
return 1
