-- verify_run: is the server that answers the one whose data was found good?
--
-- KEYS[1] {inv:p}:epoch   string  <number>:<run_id of the server that was opened>
-- Derived, with the same tag: former.
--
-- Returns outcome, run_id (empty where the server hides it), epoch before and now_ms, by
-- VerifyOutcome:
--    1 verified: opened, and by this very run   -9 fenced
--
-- Invariants: a server keeps its run_id for as long as its process lives, and no two have the same;
-- an epoch of another run (the data came back, or came from elsewhere) becomes the former one, and
-- with it goes the right to sell, for everybody at once. Whoever removes it by hand leaves none.
-- Absent: trust in a server that hides its run_id. It could be replaced unseen, so it stays fenced.

local function reply(...) return table.concat({ ... }, '\t') end

-- A user that may not call INFO is told nothing, as by a server that hides it.
local function run_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local run = run_id()
local epoch = redis.call('GET', KEYS[1]) or ''
if run ~= '' and string.match(epoch, '^%d+:(%w+)$') == run then
  return reply(1, run, epoch, now_ms)
end
if run ~= '' and epoch ~= '' then
  redis.call('RENAME', KEYS[1], (string.gsub(KEYS[1], 'epoch$', 'former')))
else
  redis.call('DEL', KEYS[1])
end
return reply(-9, run, epoch, now_ms)
