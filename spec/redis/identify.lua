#!lua
-- Finds out which data set this is, or that it is of another layout, before anything is written: REDIS.md, "The data set".
-- Writes, so that it fails where nothing can be written.
--
-- Fields of the marker: `layout`; `token`, which names the data set; `run`, `turn` and `logged`, as they were given when
-- this was called last; `count`, how often it was called; `first`, that number when the process of now called it first;
-- `n:<node>` for each node that uses the data set and has not left: its settings.

local layout = '1'
local kind = redis.call('TYPE', KEYS[1]).ok
local token, run, turn, logged, count, first, found
if kind ~= 'none' then
  if kind ~= 'hash' then return redis.error_reply('OTHERLAYOUT ' .. layout .. ' is not a ' .. kind) end
  token, run, turn, logged, count, first, found =
    unpack(redis.call('HMGET', KEYS[1], 'token', 'run', 'turn', 'logged', 'count', 'first', 'layout'))
  if found ~= layout then return redis.error_reply('OTHERLAYOUT ' .. layout .. ' is not ' .. (found or 'none')) end
  if not (token and run and turn and tonumber(count) and tonumber(first)) then
    return redis.error_reply('OTHERLAYOUT ' .. layout .. ' is not a damaged marker')
  end
end
count, first = tonumber(count or 0), tonumber(first or 0)
local isOther = run ~= ARGV[2] or (ARGV[3] ~= '-1' and turn ~= ARGV[3])
if isOther then first = count end

local users = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'n:' then users[#users + 1] = field end
end
-- Writes are kept in their order: one that says that the last node has left has all others before it.
local isWhole = not isOther or #users == 0
if not isWhole and ARGV[5] == '1' then
  -- Or nothing is missing, or somebody who has seen the end looks whether it is there.
  isWhole = logged == '2' or (token == ARGV[6] and logged == '1')
end
local isLacking = token == ARGV[6] and tonumber(ARGV[7]) > first
if not token or not isWhole or isLacking then
  token = ARGV[1]
  if #users > 0 then redis.call('HDEL', KEYS[1], unpack(users)) end
end
redis.call('HSET', KEYS[1], 'layout', layout, 'token', token, 'run', ARGV[2], 'turn', ARGV[3], 'logged', ARGV[4],
  'count', string.format('%d', count + 1), 'first', string.format('%d', first), ARGV[8], ARGV[9])
return {token, count + 1}
