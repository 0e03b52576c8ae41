import { append, find, read } from "./log-scripts.ts";
import { enter, evict, exit, lease, members, owners } from "./presence-scripts.ts";
import { script, type Script } from "./script.ts";
import { answerRequest, claimRequest, openSession, renewSession } from "./session-scripts.ts";

/**
 * Finds out which data set this is: see incarnation.ts. Writes, so that it fails where nothing can be written.
 *
 * KEYS: marker. ARGV: new token, run id, "1" if this process logs every write, "1" if it began with all that an earlier
 * process had logged. Returns the token.
 */
const incarnation = script(
  "",
  `
local token, run, logged = unpack(redis.call('HMGET', KEYS[1], 'token', 'run', 'logged'))
local same = token and (run == ARGV[2] or (logged == '1' and ARGV[4] == '1'))
if not same then token = ARGV[1] end
redis.call('HSET', KEYS[1], 'token', token, 'run', ARGV[2], 'logged', ARGV[3])
return token`,
);

type ScriptName =
  | "append"
  | "find"
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
  | "renewSession"
  | "incarnation";

/** All scripts: every connection begins with loading them. */
export const scripts: Readonly<Record<ScriptName, Script>> = {
  append,
  read,
  find,
  openSession,
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
};
