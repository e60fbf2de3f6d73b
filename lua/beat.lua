-- beat: the payments that had come by some moment have been worked off, so what is due may go back.
--
-- KEYS[1] {inv:p}:epoch   KEYS[2] {inv:p}:heartbeat   KEYS[3] {inv:p}:waiting
-- ARGV[1] the epoch that stood before the payments were looked for
-- ARGV[2] this server's clock at that moment, ms
--
-- Returns the outcome, by BeatOutcome:
--    1 fresh   -1 another epoch: payments of an outage in between may be missing
--   -2 late: due holds wait for the next one
--
-- Invariants: a heartbeat says nothing about payments that came after another epoch began, or
-- while this call was on its way to a server that stood still.

local function reply(...) return table.concat({ ... }, '\t') end

local looked_ms = tonumber(ARGV[2])
assert(looked_ms, 'beat: looked_ms must be a number')
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return reply(-1) end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) - looked_ms > 5000 then return reply(-2) end
if looked_ms > tonumber(redis.call('GET', KEYS[2]) or 0) then
  redis.call('SET', KEYS[2], ARGV[2])
end
redis.call('DEL', KEYS[3])
return reply(1)
