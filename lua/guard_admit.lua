-- guard_admit: spend one solved challenge and start the shopper's waiting time, both or neither.
--
-- KEYS[1] {gateway}:guard:spent:<challenge>  string, as long as the challenge could be sent again
-- KEYS[2] {gateway}:guard:turn:<subject>     string, until the shopper may be admitted again
-- ARGV[1] spent_ms, 1 or more                ARGV[2] turn_ms, 1 or more
--
-- Returns { outcome, wait_ms }, outcome being a GuardOutcome:
--    1 admitted   -1 the challenge was spent before   -2 the shopper has to wait for wait_ms
--
-- Invariants: a challenge admits one request; a shopper is admitted once in turn_ms; the solution
-- of a shopper who comes too early isn't spent.

local spent_ms, turn_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
assert(spent_ms and spent_ms >= 1, 'guard_admit: spent_ms must be 1 or more')
assert(turn_ms and turn_ms >= 1, 'guard_admit: turn_ms must be 1 or more')

if redis.call('EXISTS', KEYS[1]) == 1 then return { -1, 0 } end
local wait_ms = redis.call('PTTL', KEYS[2])
if wait_ms > 0 then return { -2, wait_ms } end

redis.call('SET', KEYS[1], '1', 'PX', spent_ms)
redis.call('SET', KEYS[2], '1', 'PX', turn_ms)
return { 1, 0 }
