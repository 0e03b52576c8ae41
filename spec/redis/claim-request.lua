#!lua
-- Takes a request to run. A field of the answers is a ref, its value "r" while it runs, "a<answer>" once it is answered,
-- and "f" when the answer was too much to keep. `forgotten` is the highest ref of which nothing is known any more,
-- `answered` how many are in their order, `bytes` those of all answers that are kept.

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

if call('HGET', KEYS[1], 'ledger') ~= ARGV[1] or not isWhole() then return {'unknown-session'} end
call('ZADD', KEYS[2], 'XX', 'GT', ARGV[2], 'ref')
local value, forgotten = unpack(call('HMGET', KEYS[3], ARGV[2], 'forgotten'))
if value and string.sub(value, 1, 1) == 'a' then return {'answered', string.sub(value, 2)} end
if value or tonumber(ARGV[2]) <= tonumber(forgotten or 0) then return {'unanswered'} end
call('HSET', KEYS[3], ARGV[2], 'r')
if call('HLEN', KEYS[3]) > tonumber(ARGV[4]) then
  -- Runs that nobody will ever answer, for their nodes are gone: the lower half is forgotten.
  local running = {}
  local all = call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do if all[i + 1] == 'r' then running[#running + 1] = tonumber(all[i]) end end
  table.sort(running)
  local half = math.floor(#running / 2)
  for i = 1, half do call('HDEL', KEYS[3], string.format('%d', running[i])) end
  local highest = math.max(running[half] or 0, tonumber(forgotten or 0))
  call('HSET', KEYS[3], 'forgotten', string.format('%d', highest))
end
call('PEXPIRE', KEYS[3], ARGV[3])
return {'claimed'}
