-- pin: put a hold out of reach of expiry and release, while it is being made an order.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>; stock:<sku> and
-- units:<bucket> when the hold is due.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] id   ARGV[4] lease_ms, 1 or more
--
-- Returns outcome, now_ms and, by PinOutcome:
--    1 pinned   2 pinned already: its lease begins anew
--                 id, state, deadline_ms, holder, lines, pin, epoch number
--   -2 ended      id, state, deadline_ms, holder, lines
--   -1 not found  -9 fenced
--
-- Invariants: a due hold is not pinned, unless it waits for the payments of an outage; the deadline
-- survives for unpin. `pin` numbers this attempt: it changes when the hold is unpinned, so that a
-- decision about an earlier attempt can't be taken for one about this.
-- Absent: an event. Pinning changes nothing that anybody else should see.

if fenced() then return reply(-9) end
local id, lease_ms = ARGV[3], tonumber(ARGV[4])
assert(#id == 22, 'pin: id must have 22 characters')
assert(lease_ms and lease_ms >= 1, 'pin: lease_ms must be 1 or more')

local now_ms = clock_ms()
local hold, waiting = load_current(id, now_ms)
hold = hold or waiting
if not hold then
  local ended = load_ended(id)
  if not ended then return reply(-1, now_ms) end
  return reply(-2, now_ms, hold_fields(id, ended))
end
local pinned_before = hold.state == 'c'
hold.state = 'c'
redis.call('HSET', holds_key(id), id, hold_text(hold))
schedule(id, hold, now_ms + lease_ms)
local _, state, deadline_ms, holder, lines = hold_fields(id, hold)
if pinned_before then
  return reply(2, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch_number())
end
return reply(1, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch_number())
