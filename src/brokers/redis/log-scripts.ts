import { guard, script, time, type Script } from "./script.ts";

/**
 * A room's log: a hash of what is known about it, and a list of "<time>,<bytes>:<data>", where the bytes are those of
 * all data ever appended, up to the end of this one. An entry's offset follows from its place, so the list and \`head\`
 * can't contradict one another.
 *
 * Fields of the hash: \`held\`: "<token> <count> <age> <bytes>", the data set that it is in and the bound that it is held
 * to, one text because an append only has to know that both are as expected. \`due\`: the next append after that moment
 * looks after the log, as does one that brings \`sum\`, all bytes ever appended, above \`cut\`. Until then it may hold a
 * little more than its bound, so whoever reads it trims it first.
 */
const log = `
local call, match, sub, concat = redis.call, string.match, string.sub, table.concat
local function format(value) return string.format('%d', value) end

-- Without \`held\` the bound that it has stays.
local function open(meta, list, token, held, epoch)
  local known, name, head, due, sum, cut = unpack(call('HMGET', meta, 'held', 'epoch', 'head', 'due', 'sum', 'cut'))
  local log = {meta = meta, list = list, held = held or known, epoch = name, head = 0, due = 0, sum = 0, cut = 0}
  if known and (known == held or match(known, '^%S+') == token) then
    log.head, log.sum = tonumber(head), tonumber(sum or 0)
    if known == log.held then log.due, log.cut = tonumber(due), tonumber(cut or 0) end
  else
    call('DEL', list)
    log.held, log.epoch = held or token .. ' 0 0 0', epoch
  end
  return log
end

local function timeAt(list, index)
  return tonumber(match(call('LINDEX', list, format(index)), '^%d+'))
end

-- How many entries are too old: they are in the order of their times.
local function countOld(list, length, oldest)
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if timeAt(list, middle) < oldest then low = middle + 1 else high = middle end
  end
  return low
end

-- Returns how many entries are left.
local function trimCount(list, length, count)
  if length <= count then return length end
  -- No index stands for "nothing at all".
  if count == 0 then call('DEL', list) else call('LTRIM', list, format(-count), '-1') end
  return count
end

-- Bytes of all data before an entry. One of an older layout has none, and counts as nothing.
local function bytesBefore(list, index)
  local entry = call('LINDEX', list, format(index))
  local stamp, bytes = match(entry, '^(%d+,(%d+):)')
  return stamp and bytes - (#entry - #stamp) or 0
end

-- The newest entry stays. Returns how many are left.
local function trimBytes(log, length, bytes)
  if length == 0 then return 0 end
  local low, high = 0, length - 1
  local before = bytesBefore(log.list, 0)
  if log.sum - before > bytes then
    while low < high do
      local middle = math.floor((low + high) / 2)
      if log.sum - bytesBefore(log.list, middle) > bytes then low = middle + 1 else high = middle end
    end
    if low > 0 then call('LTRIM', log.list, format(low), '-1') end
    before = bytesBefore(log.list, 0)
  end
  log.cut = before + bytes * 1.125
  return length - low
end

local function trim(log, length, at)
  local count, age, bytes = match(log.held, '^%S+ (%d+) (%d+) ?(%d*)$')
  length = trimCount(log.list, length, tonumber(count))
  if bytes ~= '' then length = trimBytes(log, length, tonumber(bytes)) end
  local oldest = at - tonumber(age)
  if length == 0 or timeAt(log.list, 0) >= oldest then return length end
  local old = countOld(log.list, length, oldest)
  call('LTRIM', log.list, format(old), '-1')
  return length - old
end

-- The list goes away as a whole when nothing was added for longer than an entry is kept.
local function save(log, ttl, at)
  local age = tonumber(match(log.held, '^%S+ %d+ (%d+)'))
  call('PEXPIRE', log.list, format(age * 1.25 + 1000))
  call('HSET', log.meta, 'held', log.held, 'epoch', log.epoch, 'head', format(log.head), 'due', format(at + age / 16),
    'sum', format(log.sum), 'cut', format(log.cut))
  call('PEXPIRE', log.meta, format(ttl + age * 1.25))
end`;

/**
 * Appends to rooms, and publishes what is appended to one of them as one message. In a Redis Cluster it is one room.
 *
 * KEYS, for each room: meta, log, then the ledgers; one that is to be listed is followed by the set of its session's rooms.
 * ARGV: token, what new epochs begin with, "PUBLISH" or "SPUBLISH", ttl of a room, ttl of a ledger, marker; then for each
 * room: count, age, bytes, position that the entry has to follow ("<offset> <epoch>", or empty), the lengths of the data in the
 * units of JavaScript ("<length>,<length>"), numbers of ledgers and of entries; then for each ledger what is known of
 * it; then for each entry: data, which ledger (0: none), ref in 16 digits.
 *
 * What is known of a ledger: "x" that it must exist, "xr" that its life has to be prolonged too; "n" nothing, so that
 * it is to be listed; "r" nothing, and it can't be listed from here.
 * Returns for each room "<epoch> <offset of the first that was stored>"; if some were not, a list of that text and
 * of why each was not, empty for one that was.
 */
export const append: Script = script(
  "allow-cross-slot-keys",
  time,
  guard,
  log,
  `
local token, drawn, command, roomTtl, ledgerTtl, marker = unpack(ARGV, 1, 6)
local refusal = otherData(marker, token)
if refusal then return refusal end
local at = now()
local stamp = format(at) .. ','
local replies, nextKey, nextArg = {}, 1, 7

-- A ledger is a text of "<offset> <epoch> <ref of 16 digits>," that only grows: its newest ref is its end.
local function openLedgers(count)
  local ledgers = {}
  for i = 1, count do
    local key, known = KEYS[nextKey], ARGV[nextArg]
    local ref = tonumber(call('GETRANGE', key, '-17', '-2'))
    local ledger = {key = key, known = known, ref = ref, added = '', rooms = false}
    nextKey, nextArg = nextKey + 1, nextArg + 1
    if known == 'n' then ledger.rooms, nextKey = KEYS[nextKey], nextKey + 1 end
    ledgers[i] = ledger
  end
  return ledgers
end

local function lookUp(ledger, ref)
  if not ledger.ref then return sub(ledger.known, 1, 1) == 'x' and 'unknown' or nil end
  if tonumber(ref) > ledger.ref then return nil end
  local all = (call('GET', ledger.key) or '') .. ledger.added
  return match(all, '(%d+ [^ ,]+) ' .. ref .. ',') or 'overtaken'
end

local function saveLedger(ledger, channel)
  local length = call('APPEND', ledger.key, ledger.added)
  if length > 12288 then
    -- Longer than the entries to be kept can be: the older half is more than enough to forget.
    local all = call('GET', ledger.key)
    local _, count = string.gsub(all, ',', ',')
    local cut = 0
    for _ = 1, count - 256 do cut = string.find(all, ',', cut + 1, true) end
    call('SET', ledger.key, sub(all, cut + 1), 'PX', ledgerTtl)
  elseif length == #ledger.added or ledger.known ~= 'x' then
    call('PEXPIRE', ledger.key, ledgerTtl)
  end
  if ledger.rooms then
    call('SADD', ledger.rooms, channel)
    call('PEXPIRE', ledger.rooms, ledgerTtl)
  end
end

local function lengthsOfStored(lengths, refused)
  local left, i = {}, 0
  for length in string.gmatch(lengths, '%d+') do
    i = i + 1
    if not refused[i] then left[#left + 1] = length end
  end
  return concat(left, ',')
end

local function describe(state, refused, size)
  local reply = {state}
  for i = 1, size do reply[i + 1] = refused[i] or '' end
  return reply
end

local function write(log, pushed, count)
  local length = call('RPUSH', log.list, unpack(pushed))
  log.head = log.head + #pushed
  if at > log.due or length == #pushed or log.sum > log.cut then
    trim(log, length, at)
    save(log, roomTtl, at)
  else
    if length > count * 1.125 then trimCount(log.list, length, count) end
    call('HSET', log.meta, 'head', format(log.head), 'sum', format(log.sum))
  end
end

local function appendTo(meta, list)
  local count, age, bytes, after, lengths, ledgerCount, size = unpack(ARGV, nextArg, nextArg + 6)
  local held = concat({token, count, age, bytes}, ' ')
  local log = open(meta, list, token, held, drawn .. #replies)
  nextKey, nextArg, size = nextKey + 2, nextArg + 7, tonumber(size)
  local ledgers = openLedgers(tonumber(ledgerCount))
  local head, epoch = log.head, ' ' .. log.epoch .. ' '
  local isElsewhere = after ~= '' and after ~= format(head) .. ' ' .. log.epoch
  local data, pushed, stored, refused = {}, {}, 0, nil
  for i = 1, size do
    local ledger, ref = ledgers[tonumber(ARGV[nextArg + 1])], ARGV[nextArg + 2]
    local reason = ledger and lookUp(ledger, ref) or isElsewhere and 'conflict ' .. format(head)
    if reason then
      refused = refused or {}
      refused[i] = reason
    else
      stored = stored + 1
      log.sum = log.sum + #ARGV[nextArg]
      data[stored], pushed[stored] = ARGV[nextArg], stamp .. format(log.sum) .. ':' .. ARGV[nextArg]
      if ledger then
        ledger.ref, ledger.added = tonumber(ref), ledger.added .. format(head + stored) .. epoch .. ref .. ','
      end
    end
    nextArg = nextArg + 3
  end
  local state = log.epoch .. ' ' .. format(head + 1)
  if stored > 0 then
    write(log, pushed, tonumber(count))
    local channel = sub(meta, 1, -6)
    for i = 1, #ledgers do if ledgers[i].added ~= '' then saveLedger(ledgers[i], channel) end end
    if refused then lengths = lengthsOfStored(lengths, refused) end
    call(command, channel, 'e' .. state .. ' ' .. lengths .. ';' .. concat(data))
  elseif log.due == 0 then
    save(log, roomTtl, at)
  end
  return refused and describe(state, refused, size) or state
end

while nextKey <= #KEYS do replies[#replies + 1] = appendTo(KEYS[nextKey], KEYS[nextKey + 1]) end
return replies`,
);

/**
 * Reads a log, and makes it when there is none.
 *
 * KEYS: meta, log. ARGV: token, new epoch, ttl of the room, after, limit, marker, and the bound to hold it to
 * ("<count> <age> <bytes>") if one is given. Returns: epoch, base, head, entries.
 */
export const read: Script = script(
  "allow-oom,allow-cross-slot-keys",
  time,
  guard,
  log,
  `
local refusal = otherData(ARGV[6], ARGV[1])
if refusal then return refusal end
local at = now()
local log = open(KEYS[1], KEYS[2], ARGV[1], ARGV[7] and ARGV[1] .. ' ' .. ARGV[7], ARGV[2])
local length = trim(log, call('LLEN', KEYS[2]), at)
if log.due == 0 or ARGV[7] then save(log, ARGV[3], at) end
local base = log.head - length
local start, limit = tonumber(ARGV[4]) - base, tonumber(ARGV[5])
local page = {log.epoch, base, log.head}
if start < 0 or limit < 1 or start >= length then return page end
page[4] = call('LRANGE', KEYS[2], format(start), format(start + limit - 1))
return page`,
);

/** KEYS: ledger. ARGV: ref in 16 digits, ttl. Returns "<offset> <epoch>" or nothing. */
export const find: Script = script(
  "allow-oom",
  `
local all = redis.call('GET', KEYS[1])
if not all then return nil end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return string.match(all, '(%d+ [^ ,]+) ' .. ARGV[1] .. ',') or nil`,
);

/**
 * Looks whether an entry is in a log as it was. One that the log no longer has to hold counts as if it were.
 *
 * KEYS: meta, log. ARGV: epoch, offset, data. Returns 1 or 0.
 */
export const holds: Script = script(
  "allow-oom",
  `
local epoch, head = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'head'))
local back = epoch == ARGV[1] and ARGV[2] - head - 1
if not back or back >= 0 then return 0 end
local entry = redis.call('LINDEX', KEYS[2], string.format('%d', back))
return (not entry or string.match(entry, '^[%d,]+:(.*)$') == ARGV[3]) and 1 or 0`,
);
