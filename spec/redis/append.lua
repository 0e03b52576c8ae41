#!lua flags=allow-cross-slot-keys
-- Appends to the logs of rooms, and publishes what is appended to one of them as one message.
--
-- A room is a section: its keys and arguments follow those of the room before it. In a Redis Cluster there is one room,
-- as all its keys have to lie together. A section in which a key has a foreign type changes nothing, and says so.

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

local token, drawn, command, roomTtl, ledgerTtl, marker = unpack(ARGV, 1, 6)
local refusal = otherData(marker, token)
if refusal then return refusal end
local at = now()
local stamp = format(at) .. ','
local replies, nextKey, nextArg = {}, 1, 7

local function takeSection()
  local count, age, bytes, after, ledgers, size = unpack(ARGV, nextArg, nextArg + 5)
  local section = {meta = KEYS[nextKey], list = KEYS[nextKey + 1], count = tonumber(count), after = after,
    held = concat({token, count, age, bytes}, ' '), ledgers = {}, size = tonumber(size)}
  nextKey, nextArg = nextKey + 2, nextArg + 6
  for i = 1, tonumber(ledgers) do
    local ledger = {key = KEYS[nextKey], known = ARGV[nextArg], added = ''}
    nextKey, nextArg = nextKey + 1, nextArg + 1
    if ledger.known == 'n' then ledger.rooms, nextKey = KEYS[nextKey], nextKey + 1 end
    section.ledgers[i] = ledger
  end
  section.first = nextArg
  nextArg = nextArg + 3 * section.size
  return section
end

-- A ledger is a text of "<offset> <epoch> <ref of 16 digits>," that only grows: its newest ref is its end. Every key is
-- read before one is written to, so that a foreign one is noticed in time.
local function openLedgers(ledgers)
  for i = 1, #ledgers do
    local ledger = ledgers[i]
    ledger.ref = tonumber(call('GETRANGE', ledger.key, '-17', '-2'))
    if ledger.rooms then call('SCARD', ledger.rooms) end
  end
end

local function lookUp(ledger, ref)
  if not ledger.ref then return sub(ledger.known, 1, 1) == 'x' and 'unknown' or nil end
  if tonumber(ref) > ledger.ref then return nil end
  local all = (call('GET', ledger.key) or '') .. ledger.added
  return match(all, '(%d+ [^ ,]+) ' .. ref .. ',') or 'overtaken'
end

-- What a reader can't tell from the end of a message, or can't cut the first character off, is not stored.
local function isMalformed(data)
  return sub(data, 1, 2) ~= '{"' or sub(data, -1) ~= '}' or string.find(data, '\n', 1, true) ~= nil
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

local function appendTo(section)
  local ledgers, size, nextEntry = section.ledgers, section.size, section.first
  openLedgers(ledgers)
  local log = open(section.meta, section.list, token, section.held, drawn .. #replies)
  local head, epoch = log.head, ' ' .. log.epoch .. ' '
  local isElsewhere = section.after ~= '' and section.after ~= format(head) .. ' ' .. log.epoch
  local data, pushed, stored, refused = {}, {}, 0, nil
  for i = 1, size do
    local text, ledger, ref = ARGV[nextEntry], ledgers[tonumber(ARGV[nextEntry + 1])], ARGV[nextEntry + 2]
    local reason = ledger and lookUp(ledger, ref) or isElsewhere and 'conflict ' .. format(head)
      or isMalformed(text) and 'malformed'
    if reason then
      refused = refused or {}
      refused[i] = reason
    else
      stored = stored + 1
      log.sum = log.sum + #text
      data[stored], pushed[stored] = text, stamp .. format(log.sum) .. ':' .. text
      if ledger then
        ledger.ref, ledger.added = tonumber(ref), ledger.added .. format(head + stored) .. epoch .. ref .. ','
      end
    end
    nextEntry = nextEntry + 3
  end
  local state = log.epoch .. ' ' .. format(head + 1)
  if stored > 0 then
    write(log, pushed, section.count)
    local channel = sub(section.meta, 1, -6)
    for i = 1, #ledgers do if ledgers[i].added ~= '' then saveLedger(ledgers[i], channel) end end
    call(command, channel, 'e' .. state .. '\n' .. concat(data, '\n'))
  elseif log.due == 0 then
    save(log, roomTtl, at)
  end
  return refused and describe(state, refused, size) or state
end

-- "!<type it has> <type it should have> <key>" of the first key of a section that is not ours, or the failure again.
local function foreignKey(section, failure)
  local keys, types = {section.meta, section.list}, {'hash', 'list'}
  for _, ledger in ipairs(section.ledgers) do
    keys[#keys + 1], types[#types + 1] = ledger.key, 'string'
    if ledger.rooms then keys[#keys + 1], types[#types + 1] = ledger.rooms, 'set' end
  end
  for i = 1, #keys do
    local found = call('TYPE', keys[i]).ok
    if found ~= 'none' and found ~= types[i] then return '!' .. found .. ' ' .. types[i] .. ' ' .. keys[i] end
  end
  return error(failure)
end

while nextKey <= #KEYS do
  local section = takeSection()
  local isDone, reply = pcall(appendTo, section)
  replies[#replies + 1] = isDone and reply or foreignKey(section, reply)
end
return replies
