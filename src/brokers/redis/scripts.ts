import { append, find, holds, read } from "./log-scripts.ts";
import { enter, evict, exit, lease, members, owners } from "./presence-scripts.ts";
import { script, type Script } from "./script.ts";
import { answerRequest, claimRequest, loseSession, openSession, renewSession } from "./session-scripts.ts";

/**
 * Finds out which data set this is: see incarnation.ts. Writes, so that it fails where nothing can be written.
 *
 * Fields of the marker: `run`, `turn`, `logged`: as below, when this was called last; `count`: how often it was called;
 * `first`: that, when the process of now called it first; `n:<node>` for each node that uses it and has not left.
 *
 * KEYS: marker. ARGV: new token, run id, since when the process is no replica, whether it logs its writes ("0", "1", or
 * "2" if none is answered before it is on disk), "1" if it began with all that an earlier process had logged; the token
 * and the count that the caller has seen from an earlier process, or 0; the caller's field. Returns: token, count.
 */
const incarnation = script(
  "",
  `
local token, run, turn, logged, count, first =
  unpack(redis.call('HMGET', KEYS[1], 'token', 'run', 'turn', 'logged', 'count', 'first'))
count = tonumber(count or 0)
local isOther = run ~= ARGV[2] or (ARGV[3] ~= '-1' and turn ~= ARGV[3])
first = isOther and count or tonumber(first or 0)

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
redis.call('HSET', KEYS[1], 'token', token, 'run', ARGV[2], 'turn', ARGV[3], 'logged', ARGV[4],
  'count', string.format('%d', count + 1), 'first', string.format('%d', first), ARGV[8], '1')
return {token, count + 1}`,
);

/**
 * Finds what the user may not do: a script is told so only in the middle of its work.
 *
 * KEYS: one that stands for all keys and, for whoever publishes, all channels. ARGV: commands. Returns those of them.
 */
const denied = script(
  "",
  `
local denied = {}
for _, command in ipairs(ARGV) do
  if not redis.acl_check_cmd(command, KEYS[1], KEYS[1]) then denied[#denied + 1] = command end
end
return denied`,
);

type ScriptName =
  | "append"
  | "find"
  | "holds"
  | "read"
  | "enter"
  | "evict"
  | "exit"
  | "lease"
  | "members"
  | "owners"
  | "answerRequest"
  | "claimRequest"
  | "openSession"
  | "loseSession"
  | "renewSession"
  | "incarnation"
  | "denied";

/** All scripts: every connection begins with loading them. */
export const scripts: Readonly<Record<ScriptName, Script>> = {
  append,
  read,
  find,
  holds,
  openSession,
  loseSession,
  renewSession,
  claimRequest,
  answerRequest,
  enter,
  exit,
  evict,
  members,
  lease,
  owners,
  incarnation,
  denied,
};
