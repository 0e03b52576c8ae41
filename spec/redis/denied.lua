#!lua flags=allow-oom
-- Finds what the user of the connection may not do: a script is told so only in the middle of its work.

local denied = {}
for _, command in ipairs(ARGV) do
  if not redis.acl_check_cmd(command, KEYS[1], KEYS[1]) then denied[#denied + 1] = command end
end
return denied
