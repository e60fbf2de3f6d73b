-- beat: the payments that came until now have been worked off, so what is due may go back.
--
-- KEYS[1] {inv:p}:epoch   KEYS[2] {inv:p}:heartbeat   KEYS[3] {inv:p}:waiting
-- ARGV[1] the epoch that stood before the payments were looked for
--
-- Returns the outcome, by BeatOutcome:
--    1 fresh   -1 another epoch: payments of an outage in between may be missing
--
-- Invariants: a heartbeat says nothing about payments that came after another epoch began.

local function reply(...) return table.concat({ ... }, '\t') end

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return reply(-1) end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('DEL', KEYS[3])
return reply(1)
