-- advance_stream: give every new event an id after those that are stored already.
--
-- KEYS[1] {inv:p}:events
-- ARGV[1] milliseconds and ARGV[2] number of the last id that is stored
--
-- Returns the outcome, by AdvanceOutcome: 1 advanced   2 the stream is not behind
--
-- Invariants: nothing of the stream is removed; ids only grow.
-- By design: no check of the fence. It runs while the partition is fenced.

local function reply(...) return table.concat({ ... }, '\t') end

local ms, number = tonumber(ARGV[1]), tonumber(ARGV[2])
assert(ms and number, 'advance_stream: an id has milliseconds and a number')
local id = ARGV[1] .. '-' .. ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 0 then
  -- A stream keeps its last id when it becomes empty.
  redis.call('XADD', KEYS[1], id, 'type', '')
  redis.call('XDEL', KEYS[1], id)
  return reply(1)
end
local info, last = redis.call('XINFO', 'STREAM', KEYS[1]), nil
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = info[i + 1] end
end
local last_ms, last_number = string.match(last, '^(%d+)-(%d+)$')
last_ms, last_number = tonumber(last_ms), tonumber(last_number)
if last_ms > ms or (last_ms == ms and last_number >= number) then return reply(2) end
redis.call('XSETID', KEYS[1], id)
return reply(1)
