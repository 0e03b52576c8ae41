#!lua flags=allow-oom,allow-cross-slot-keys
-- Reads a page of a room's log, and makes the log when there is none. A log may hold a little more than its bound, so it
-- is trimmed first.

-- shared: now
-- Milliseconds by the server's clock: those of the nodes may differ.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- end

-- shared: guard
-- For what would begin something in the data set: gives an error when that is not the one the caller means, for it was
-- emptied, or put in the place of another one, since the caller looked.
local function otherData(marker, token)
  if redis.call('HGET', marker, 'token') == token then return nil end
  return redis.error_reply('OTHERDATA this is another data set by now')
end
-- end

-- shared: log
local call, match, sub, concat = redis.call, string.match, string.sub, table.concat
local function format(value) return string.format('%d', value) end

-- Without `held` the bound that it has stays. A log of another data set, or one whose head can't be read, begins anew.
local function open(meta, list, token, held, epoch)
  local known, name, head, due, sum, cut = unpack(call('HMGET', meta, 'held', 'epoch', 'head', 'due', 'sum', 'cut'))
  local log = {meta = meta, list = list, held = held or known, epoch = name, head = 0, due = 0, sum = 0, cut = 0}
  if known and name and tonumber(head) and (known == held or match(known, '^%S+') == token) then
    log.head, log.sum = tonumber(head), tonumber(sum or 0)
    if known == log.held then log.due, log.cut = tonumber(due or 0), tonumber(cut or 0) end
  else
    -- Fails where the key is no list: what is somebody else's is not deleted.
    if call('LLEN', list) > 0 then call('DEL', list) end
    log.held, log.epoch = held or token .. ' 0 0 0', epoch
  end
  return log
end

local function timeAt(list, index)
  return tonumber(match(call('LINDEX', list, format(index)), '^%d+') or 0)
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

-- Bytes of all data before an entry.
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
  local count, age, bytes = match(log.held, '^%S+ (%d+) (%d+) (%d+)$')
  length = trimCount(log.list, length, tonumber(count))
  length = trimBytes(log, length, tonumber(bytes))
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
end
-- end

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
return page
