-- beat: all payments that had come by some time are settled, so due holds may expire.
--
-- KEYS[1] {inv:p}:epoch   KEYS[2] {inv:p}:heartbeat   KEYS[3] {inv:p}:waiting
-- ARGV[1] the epoch before the worker looked for payments
-- ARGV[2] this server's clock at that time, ms
--
-- Returns the outcome, by BeatOutcome:
--    1 fresh   -1 another epoch: payments of an outage in between may be missing
--   -2 late: due holds wait for the next heartbeat
--
-- Invariants: a heartbeat doesn't cover payments that came after another epoch began, or while this
-- call was on its way to a server that was stopped.

local function reply(...) return table.concat({ ... }, '\t') end

local looked_ms = tonumber(ARGV[2])
assert(looked_ms, 'beat: looked_ms must be a number')
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return reply(-1) end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) - looked_ms > 5000 then return reply(-2) end
-- What is no number counts as missing.
if looked_ms > (tonumber(redis.call('GET', KEYS[2]) or 0) or 0) then
  redis.call('SET', KEYS[2], ARGV[2])
end
redis.call('DEL', KEYS[3])
return reply(1)
