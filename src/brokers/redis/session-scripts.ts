import { guard, script, type Script } from "./script.ts";

/**
 * Each part of a session is there from its opening on, so that one that is missing is noticed: the set of rooms holds an
 * empty name, and the answers say how long their order is.
 */
const parts = `
local call = redis.call

local function isWhole()
  return call('EXISTS', KEYS[2]) == 1 and call('SISMEMBER', KEYS[5], '') == 1
    and tonumber(call('HGET', KEYS[3], 'answered') or -1) == call('LLEN', KEYS[4])
end

local function prolong(ttl)
  for i = 1, 5 do call('PEXPIRE', KEYS[i], ttl) end
end

-- The ledgers that there were, if any, do not count any more.
local function begin(epoch)
  call('DEL', KEYS[3], KEYS[4], KEYS[5])
  call('HSET', KEYS[1], 'epoch', epoch)
  call('ZADD', KEYS[2], 'GT', 0, 'ref')
  call('HSET', KEYS[3], 'answered', 0)
  call('SADD', KEYS[5], '')
end`;

/**
 * Opens a session.
 *
 * KEYS: record, highest ref of its requests, answers, their order, rooms with a ledger. ARGV: user, generation, new
 * epoch, name of all data sets together, ttl; marker, and the token that it must bear.
 * Returns: outcome, epoch, highest ref of its requests, rooms.
 */
export const openSession: Script = script(
  "allow-cross-slot-keys",
  guard,
  parts,
  `
local refusal = otherData(ARGV[6], ARGV[7])
if refusal then return refusal end
local user, generation, epoch, token = unpack(call('HMGET', KEYS[1], 'user', 'generation', 'epoch', 'token'))
if user then
  if user ~= ARGV[1] then return {'mismatch'} end
  if tonumber(ARGV[2]) <= tonumber(generation) then return {'stale'} end
end
if not user or token ~= ARGV[4] or not isWhole() then
  epoch = ARGV[3]
  begin(epoch)
end
call('HSET', KEYS[1], 'user', ARGV[1], 'generation', ARGV[2], 'token', ARGV[4])
prolong(ARGV[5])
return {'opened', epoch, tonumber(call('ZSCORE', KEYS[2], 'ref')), call('SMEMBERS', KEYS[5])}`,
);

/**
 * Begins a session's ledgers anew, for some of what they held is gone. KEYS: as for opening. ARGV: epoch of those that
 * are meant, new epoch, ttl. Returns 1, or 0 if it has others by now.
 */
export const loseSession: Script = script(
  "",
  parts,
  `
if call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
begin(ARGV[2])
prolong(ARGV[3])
return 1`,
);

/** KEYS: as for opening. ARGV: epoch, ttl. Returns 1 if the session is still there, and whole. */
export const renewSession: Script = script(
  "allow-oom",
  parts,
  `
if call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not isWhole() then return 0 end
prolong(ARGV[2])
return 1`,
);

/**
 * Takes a request to run. A field of the answers is a ref, its value "r" while it runs, "a<answer>" once it is answered,
 * and "f" when the answer was too much to keep. \`forgotten\` is the highest ref of which nothing is known any more,
 * \`answered\` how many are in their order.
 *
 * KEYS: as for opening. ARGV: epoch, ref, ttl, most fields. Returns: outcome, answer.
 */
export const claimRequest: Script = script(
  "",
  parts,
  `
if call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not isWhole() then return {'unknown-session'} end
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
return {'claimed'}`,
);

/**
 * Stores the answer of a claimed request, and forgets the oldest ones.
 *
 * KEYS: as for opening. ARGV: epoch, ref, answer, its length, ttl, most answers, greatest length of all together.
 * The order is a list of "<ref> <length>", oldest first.
 */
export const answerRequest: Script = script(
  "",
  parts,
  `
if call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not isWhole() then return 0 end
if call('HGET', KEYS[3], ARGV[2]) ~= 'r' then return 0 end
call('HSET', KEYS[3], ARGV[2], 'a' .. ARGV[3])
local total = call('HINCRBY', KEYS[3], 'length', ARGV[4])
local count = call('RPUSH', KEYS[4], ARGV[2] .. ' ' .. ARGV[4])
local forgotten = tonumber(call('HGET', KEYS[3], 'forgotten') or 0)
if count > tonumber(ARGV[6]) then
  local ref, length = string.match(call('LPOP', KEYS[4]), '(%d+) (%d+)')
  call('HDEL', KEYS[3], ref)
  total = call('HINCRBY', KEYS[3], 'length', -length)
  call('HSET', KEYS[3], 'forgotten', string.format('%d', math.max(forgotten, tonumber(ref))))
  count = count - 1
end
call('HSET', KEYS[3], 'answered', count)
local oldest = 0
while total > tonumber(ARGV[7]) do
  local ref, length = string.match(call('LINDEX', KEYS[4], oldest), '(%d+) (%d+)')
  if tonumber(length) > 0 then
    call('HSET', KEYS[3], ref, 'f')
    call('LSET', KEYS[4], oldest, ref .. ' 0')
    total = call('HINCRBY', KEYS[3], 'length', -length)
  end
  oldest = oldest + 1
end
call('PEXPIRE', KEYS[3], ARGV[5])
call('PEXPIRE', KEYS[4], ARGV[5])
return 1`,
);
