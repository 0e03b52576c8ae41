import { script, time, type Script } from "./script.ts";

/**
 * A room's log: KEYS[1] is one text of all that is known about it, KEYS[2] a list of "<time>:<data>". An entry's offset
 * follows from its place, so the list and \`head\` can't contradict one another.
 *
 * \`due\`: until then no entry is too old. \`kept\`: when the life of the list was last prolonged.
 */
const log = `
local function format(value) return string.format('%d', value) end

local function open(token, epoch)
  local text = redis.call('GET', KEYS[1])
  if text then
    local known, name, head, due, kept, age = string.match(text, '^(%S+) (%S+) (%d+) (%d+) (%d+) (%d+)$')
    if known == token then
      return {epoch = name, head = tonumber(head), due = tonumber(due), kept = tonumber(kept), age = tonumber(age)}
    end
  end
  redis.call('DEL', KEYS[2])
  return {epoch = epoch, head = 0, due = 0, kept = 0, age = 0, changed = true}
end

local function save(log, token, ttl)
  local values = {token, log.epoch, format(log.head), format(log.due), format(log.kept), format(log.age)}
  redis.call('SET', KEYS[1], table.concat(values, ' '), 'PX', format(ttl + log.age))
end

local function timeAt(index)
  local entry = redis.call('LINDEX', KEYS[2], index)
  return tonumber(string.match(entry, '^%d+'))
end

-- How many entries are too old: they are in the order of their times.
local function countOld(length, oldest)
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if timeAt(middle) < oldest then low = middle + 1 else high = middle end
  end
  return low
end

-- Returns how many entries are left.
local function trim(log, length, count, at)
  if length > count then
    -- No index stands for "nothing at all".
    if count == 0 then redis.call('DEL', KEYS[2]) else redis.call('LTRIM', KEYS[2], -count, -1) end
    length = count
  end
  if length > 0 and at > log.due then
    local old = countOld(length, at - log.age)
    if old > 0 then redis.call('LTRIM', KEYS[2], old, -1) end
    length = length - old
    if length > 0 then log.due = timeAt(0) + log.age end
    log.changed = true
  end
  return length
end`;

/**
 * Appends a batch to one room and publishes it as one message.
 *
 * KEYS: meta, log, then one ledger for each session of the batch.
 * ARGV: token, new epoch, "PUBLISH" or "SPUBLISH", channel, count, age, ttl of the room, ttl of a ledger; then for each
 * entry: data, its length in the units of JavaScript, origin ("<index of the ledger> <ref> <what is known>"), position
 * it has to follow ("<offset> <epoch>"). The last two may be empty.
 *
 * What is known of a ledger: "x" that it must exist, "r" that its life has to be prolonged, "xr" both.
 * Returns: epoch, then for each entry an offset, or a text.
 */
export const append: Script = script(
  "",
  time,
  log,
  `
local token, ttl, ledgerTtl = ARGV[1], tonumber(ARGV[7]), ARGV[8]
local log = open(token, ARGV[2])
local at = now()
local count = tonumber(ARGV[5])
local age = tonumber(ARGV[6])
if age ~= log.age then log.age, log.due = age, 0 end
local results, pushed, data, lengths = {log.epoch}, {}, {}, {}

-- The ledger is a text of "<ref> <offset> <epoch>," that only grows, so the newest ref is found at its end.
local function lookUp(key, ref, known)
  local tail = redis.call('GETRANGE', key, -64, -1)
  if tail == '' then
    return string.sub(known, 1, 1) == 'x' and 'unknown' or nil
  end
  if ref > tonumber(string.match(tail, '(%d+) %d+ [^,]+,$')) then return nil end
  local all = ',' .. redis.call('GET', key)
  return string.match(all, ',' .. format(ref) .. ' (%d+ [^,]+),') or 'overtaken'
end

local function note(key, ref, offset, known)
  local entry = format(ref) .. ' ' .. format(offset) .. ' ' .. log.epoch .. ','
  local length = redis.call('APPEND', key, entry)
  if length > 12288 then
    -- Longer than the entries to be kept can be: the older half is more than enough to forget.
    local all = redis.call('GET', key)
    local _, count = string.gsub(all, ',', ',')
    local cut = 0
    for _ = 1, count - 256 do cut = string.find(all, ',', cut + 1, true) end
    redis.call('SET', key, string.sub(all, cut + 1), 'PX', ledgerTtl)
  elseif length == #entry or string.sub(known, -1) ~= 'x' then
    redis.call('PEXPIRE', key, ledgerTtl)
  end
end

local function appendOne(i)
  local index, ref, known = string.match(ARGV[i + 2], '^(%d+) (%d+) (.+)$')
  if index then
    index, ref = tonumber(index), tonumber(ref)
    local found = lookUp(KEYS[index], ref, known)
    if found then return found end
  end
  local after = ARGV[i + 3]
  local head = log.head + #data
  if after ~= '' and after ~= format(head) .. ' ' .. log.epoch then return 'conflict ' .. format(head) end
  data[#data + 1] = ARGV[i]
  lengths[#lengths + 1] = ARGV[i + 1]
  pushed[#pushed + 1] = format(at) .. ':' .. ARGV[i]
  if index then note(KEYS[index], ref, head + 1, known) end
  return head + 1
end

for i = 9, #ARGV, 4 do results[#results + 1] = appendOne(i) end
if #data == 0 then
  if log.changed then save(log, token, ttl) end
  return results
end

local first = log.head + 1
local length = redis.call('RPUSH', KEYS[2], unpack(pushed))
log.head = log.head + #data
if length == #data then log.due = at + log.age end
-- The list goes away as a whole when nothing was added for longer than an entry is kept.
if length == #data or at > log.kept + log.age / 4 then
  redis.call('PEXPIRE', KEYS[2], format(log.age * 1.25 + 1000))
  log.kept = at
end
trim(log, length, count, at)
save(log, token, ttl)
local head = 'e' .. log.epoch .. ' ' .. format(first) .. ' ' .. table.concat(lengths, ',') .. ';'
redis.call(ARGV[3], ARGV[4], head .. table.concat(data))
return results`,
);

/**
 * Reads a log, and makes it when there is none.
 *
 * KEYS: meta, log. ARGV: token, new epoch, ttl of the room, after, limit, and if they have changed, count and age.
 * Returns: epoch, base, head, entries.
 */
export const read: Script = script(
  "allow-oom",
  time,
  log,
  `
local log = open(ARGV[1], ARGV[2])
local count = math.huge
if ARGV[6] then
  count = tonumber(ARGV[6])
  local age = tonumber(ARGV[7])
  if age ~= log.age then
    log.age, log.due, log.changed = age, 0, true
    redis.call('PEXPIRE', KEYS[2], format(age * 1.25 + 1000))
  end
end
local length = redis.call('LLEN', KEYS[2])
length = trim(log, length, count, now())
if log.changed or ARGV[6] then save(log, ARGV[1], tonumber(ARGV[3])) end
local base = log.head - length
local start, limit = tonumber(ARGV[4]) - base, tonumber(ARGV[5])
local page = {log.epoch, base, log.head}
if start < 0 or limit < 1 or start >= length then return page end
page[4] = redis.call('LRANGE', KEYS[2], format(start), format(start + limit - 1))
return page`,
);

/** KEYS: ledger. ARGV: ref, ttl. Returns "<offset> <epoch>" or nothing. */
export const find: Script = script(
  "allow-oom",
  `
local all = redis.call('GET', KEYS[1])
if not all then return nil end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return string.match(',' .. all, ',' .. ARGV[1] .. ' (%d+ [^,]+),') or nil`,
);
