-- pin: take confirmation leases, which keep expiry and release away from holds while their orders
-- are written. Decides the requests of a batch one after the other, each as if it had come alone.
-- include shared/holds.lua
-- include shared/together.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>; stock:<sku> and
-- units:<bucket> when a hold is due.
-- ARGV[1] empty            ARGV[2] ended_retention_s
-- ARGV[3..] of each request: trace, id, lease_ms (1 or more)
--
-- Returns fenced, or for each request in their order an error or its outcome, now_ms and, by
-- PinOutcome:
--    1 pinned   2 pinned already: its lease starts again
--                 id, state, deadline_ms, holder, lines, pin, epoch number
--   -2 ended      id, state, deadline_ms, holder, lines
--   -1 not found  -9 fenced
--
-- Invariants: a due hold is not pinned, unless it waits for the payments of an outage; the deadline
-- is kept for unpin. `pin` is the number of this attempt: it changes when the hold is unpinned, so
-- that a decision about an earlier attempt doesn't affect this one. The outcome of a request, even
-- an error, doesn't affect the next one.
-- By design: no event. Pinning changes nothing that consumers need.

if fenced() then return reply(-9) end
local EACH = 3
assert(#ARGV > 2 and (#ARGV - 2) % EACH == 0, 'pin: trace, id and lease_ms of each request')

local now_ms, epoch = clock_ms(), epoch_number()

local function decide(at)
  trace = ARGV[at]
  local id, lease_ms = ARGV[at + 1], tonumber(ARGV[at + 2])
  assert(#id == 22, 'pin: id must have 22 characters')
  assert(lease_ms and lease_ms >= 1, 'pin: lease_ms must be 1 or more')

  local hold, waiting = load_current(id, now_ms)
  hold = hold or waiting
  if not hold then
    local ended = load_ended(id)
    if not ended then return reply(-1, now_ms) end
    return reply(-2, now_ms, hold_fields(id, ended))
  end
  assure_lines_open(hold)
  local pinned_before = hold.state == 'c'
  hold.state = 'c'
  redis.call('HSET', holds_key(id), id, hold_text(hold))
  schedule(id, hold, now_ms + lease_ms)
  local _, state, deadline_ms, holder, lines = hold_fields(id, hold)
  if pinned_before then
    return reply(2, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch)
  end
  return reply(1, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch)
end

local starts = {}
for at = 3, #ARGV, EACH do starts[#starts + 1] = at end
return decide_each(decide, starts)
