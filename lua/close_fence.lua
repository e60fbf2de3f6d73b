-- close_fence: stop selling, and begin a validation or a rebuild.
--
-- KEYS[1] {inv:p}:epoch   KEYS[2] {inv:p}:rebuild   KEYS[3] {inv:p}:former
-- ARGV[1] token, unique to this rebuild
--
-- Returns outcome, run_id (empty where the server hides it) and the epoch that another run of a
-- server left with this data (empty without one), by CloseOutcome:
--    1 closed
--
-- Invariants: from now on every script that could sell refuses, until open_fence. The token is part
-- of the data: if the data is lost or replaced before the end, so is the token. The former epoch
-- stays until its data is opened, or a rebuild begins to change that data.

local function reply(...) return table.concat({ ... }, '\t') end

-- A user without permission for INFO gets an empty run_id, as from a server that hides it.
local function run_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

-- A key of another type is no epoch, and neither is any other text, which a reply could not carry.
local former = redis.pcall('GET', KEYS[3])
if type(former) ~= 'string' or not string.match(former, '^%d+:%w+$') then former = '' end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1])
return reply(1, run_id(), former)
