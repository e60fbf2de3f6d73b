-- unpin: end the confirmation lease of a hold without a written order.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] id   ARGV[4] pin, the attempt to undo
--
-- Returns outcome and now_ms, by UnpinOutcome:
--    1 unpinned   2 not pinned, or pinned by a later attempt   -1 not found or ended   -9 fenced
--
-- Invariants: the hold has its old deadline again, and expires at the next access if that has
-- passed. Only the named attempt is undone.

if fenced() then return reply(-9) end
local id, pin = ARGV[3], tonumber(ARGV[4])
assert(#id == 22, 'unpin: id must have 22 characters')
assert(pin, 'unpin: pin must be a number')

local now_ms = clock_ms()
local hold = load_hold(id)
if not hold then return reply(-1, now_ms) end
if hold.state ~= 'c' or hold.sequence ~= pin then return reply(2, now_ms) end

assure_lines_open(hold)
hold.state, hold.sequence = 'p', hold.sequence + 1
append_event('unpinned', id, hold)
redis.call('HSET', holds_key(id), id, hold_text(hold))
redis.call('ZREM', leases_key(), id)
schedule(id, hold)
return reply(1, now_ms)
