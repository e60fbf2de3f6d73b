-- verify_run: check that the server that answers is the run with the verified data.
--
-- KEYS[1] {inv:p}:epoch   string  <number>:<run_id of the server that was opened>
-- Derived, with the same tag: former.
--
-- Returns outcome, run_id (empty where the server hides it), epoch before and now_ms, by
-- VerifyOutcome:
--    1 verified: opened, and in this run   -9 fenced
--
-- Invariants: a server keeps its run_id for as long as its process lives, and no two have the same;
-- an epoch of another run (the data was restored, or came from elsewhere) becomes the former one,
-- which fences the partition for all callers at once. If it is deleted by hand, there is none.
-- By design: a server that hides its run_id stays fenced, since it could be replaced unnoticed.

local function reply(...) return table.concat({ ... }, '\t') end

-- A user without permission for INFO gets an empty run_id, as from a server that hides it.
local function run_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local run = run_id()
-- A key of another type is no epoch, and neither is any other text, which a reply could not carry.
local epoch = redis.pcall('GET', KEYS[1])
if type(epoch) ~= 'string' or not string.match(epoch, '^%d+:%w+$') then epoch = '' end
if run ~= '' and string.match(epoch, '^%d+:(%w+)$') == run then
  return reply(1, run, epoch, now_ms)
end
if run ~= '' and epoch ~= '' then
  redis.call('RENAME', KEYS[1], (string.gsub(KEYS[1], 'epoch$', 'former')))
else
  redis.call('DEL', KEYS[1])
end
return reply(-9, run, epoch, now_ms)
