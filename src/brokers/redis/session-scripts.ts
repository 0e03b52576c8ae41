import { script, type Script } from "./script.ts";

/**
 * Opens a session.
 *
 * KEYS: record, highest ref of its requests, answers, their order, rooms with a ledger. ARGV: user, generation, new epoch, token, ttl.
 * Returns: outcome, epoch, highest ref of its requests, rooms.
 */
export const openSession: Script = script(
  "",
  `
local user, generation, epoch, token = unpack(redis.call('HMGET', KEYS[1], 'user', 'generation', 'epoch', 'token'))
if user then
  if user ~= ARGV[1] then return {'mismatch'} end
  if tonumber(ARGV[2]) <= tonumber(generation) then return {'stale'} end
end
if not user or token ~= ARGV[4] then
  -- Some of the ledgers may be gone: none counts any more.
  epoch = ARGV[3]
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
  redis.call('ZADD', KEYS[2], 'GT', 0, 'ref')
end
redis.call('HSET', KEYS[1], 'user', ARGV[1], 'generation', ARGV[2], 'epoch', epoch, 'token', ARGV[4])
for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
local ref = tonumber(redis.call('ZSCORE', KEYS[2], 'ref') or 0)
return {'opened', epoch, ref, redis.call('SMEMBERS', KEYS[5])}`,
);

/** KEYS: as for opening. ARGV: epoch, ttl. Returns 1 if the session is still there. */
export const renewSession: Script = script(
  "allow-oom",
  `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return 1`,
);

/**
 * Takes a request to run. A field of the answers is a ref, its value "r" while it runs, "a<answer>" once it is answered,
 * and "f" when the answer was too much to keep. \`forgotten\` is the highest ref of which nothing is known any more.
 *
 * KEYS: as for opening. ARGV: epoch, ref, ttl, most fields. Returns: outcome, answer.
 */
export const claimRequest: Script = script(
  "",
  `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'unknown-session'} end
redis.call('ZADD', KEYS[2], 'XX', 'GT', ARGV[2], 'ref')
local value, forgotten = unpack(redis.call('HMGET', KEYS[3], ARGV[2], 'forgotten'))
if value and string.sub(value, 1, 1) == 'a' then return {'answered', string.sub(value, 2)} end
if value or tonumber(ARGV[2]) <= tonumber(forgotten or 0) then return {'unanswered'} end
redis.call('HSET', KEYS[3], ARGV[2], 'r')
if redis.call('HLEN', KEYS[3]) > tonumber(ARGV[4]) then
  -- Runs that nobody will ever answer, for their nodes are gone: the lower half is forgotten.
  local running = {}
  local all = redis.call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do if all[i + 1] == 'r' then running[#running + 1] = tonumber(all[i]) end end
  table.sort(running)
  local half = math.floor(#running / 2)
  for i = 1, half do redis.call('HDEL', KEYS[3], string.format('%d', running[i])) end
  local highest = math.max(running[half] or 0, tonumber(forgotten or 0))
  redis.call('HSET', KEYS[3], 'forgotten', string.format('%d', highest))
end
redis.call('PEXPIRE', KEYS[3], ARGV[3])
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
  `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or redis.call('HGET', KEYS[3], ARGV[2]) ~= 'r' then return 0 end
redis.call('HSET', KEYS[3], ARGV[2], 'a' .. ARGV[3])
local total = redis.call('HINCRBY', KEYS[3], 'length', ARGV[4])
local count = redis.call('RPUSH', KEYS[4], ARGV[2] .. ' ' .. ARGV[4])
local forgotten = tonumber(redis.call('HGET', KEYS[3], 'forgotten') or 0)
if count > tonumber(ARGV[6]) then
  local ref, length = string.match(redis.call('LPOP', KEYS[4]), '(%d+) (%d+)')
  redis.call('HDEL', KEYS[3], ref)
  total = redis.call('HINCRBY', KEYS[3], 'length', -length)
  redis.call('HSET', KEYS[3], 'forgotten', string.format('%d', math.max(forgotten, tonumber(ref))))
end
local oldest = 0
while total > tonumber(ARGV[7]) do
  local ref, length = string.match(redis.call('LINDEX', KEYS[4], oldest), '(%d+) (%d+)')
  if tonumber(length) > 0 then
    redis.call('HSET', KEYS[3], ref, 'f')
    redis.call('LSET', KEYS[4], oldest, ref .. ' 0')
    total = redis.call('HINCRBY', KEYS[3], 'length', -length)
  end
  oldest = oldest + 1
end
redis.call('PEXPIRE', KEYS[3], ARGV[5])
redis.call('PEXPIRE', KEYS[4], ARGV[5])
return 1`,
);
