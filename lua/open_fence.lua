-- open_fence: allow sales again, after the data was checked or rebuilt since close_fence.
--
-- KEYS[1] {inv:p}:epoch   KEYS[2] {inv:p}:rebuild   KEYS[3] {inv:p}:heartbeat
-- KEYS[4] {inv:p}:waiting   KEYS[5] {inv:p}:former
-- ARGV[1] token of close_fence   ARGV[2] run_id that close_fence returned   ARGV[3] epoch number
-- ARGV[4] expiry_waits, 0 or 1
--
-- Returns outcome, by OpenOutcome:
--    1 opened   -1 another server, other data, or another rebuild: start over
--
-- Invariants: only data that was rebuilt from the first step to the last in one run of one server
-- is opened, and the epoch names that run. With expiry_waits, holds that came due meanwhile stay
-- until the payments of that time are settled: the heartbeat is set to a time long ago.

local function reply(...) return table.concat({ ... }, '\t') end

-- A user without permission for INFO gets an empty run_id, as from a server that hides it.
local function run_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

local run = run_id()
if run == '' or run ~= ARGV[2] or redis.call('GET', KEYS[2]) ~= ARGV[1] then return reply(-1) end
assert(string.match(ARGV[3], '^%d+$'), 'open_fence: epoch number must be a number')
redis.call('DEL', KEYS[2], KEYS[4], KEYS[5])
if ARGV[4] == '1' then redis.call('SET', KEYS[3], 1) end
redis.call('SET', KEYS[1], ARGV[3] .. ':' .. run)
return reply(1)
