-- restore_hold: bring a hold back: one that Redis lost, or one that ended before its payment came.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>; and the parts of holds given back.
-- ARGV[1] trace         ARGV[2] ended_retention_s   ARGV[3] reason: lost, paid
-- ARGV[4] reclaim_batch ARGV[5] lease_ms, for paid  ARGV[6] id          ARGV[7] sequence
-- ARGV[8] created_ms    ARGV[9] deadline_ms         ARGV[10] holder
-- ARGV[11..] sku, quantity (1 or more) of each line; each SKU once
--
-- Returns outcome, now_ms and, by RestoreOutcome:
--    1 restored   2 there already   id, state, deadline_ms, holder, lines, pin, epoch number
--   -1 insufficient   -2 unknown sku   -3 released or confirmed before, for paid   -9 fenced
--  -10 more holds are due: call again
--
-- lost: the hold is pending again with its old deadline and sequence, whatever is available, since
-- its units were promised; it works behind the fence, and appends no event.
-- paid: the hold is confirming at once, if every line is available; its event is `revived`.
--
-- Invariants: every line or none; nothing is brought back twice; what was confirmed is not paid for
-- again, and what its holder gave back stays given back.
-- Absent: limits and pauses. The money is there.

local lost = ARGV[3] == 'lost'
assert(lost or ARGV[3] == 'paid', 'restore_hold: reason must be lost or paid')
if not lost and fenced() then return reply(-9) end
local budget, lease_ms, id = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
assert(budget and budget >= 1, 'restore_hold: reclaim_batch must be 1 or more')
assert(#id == 22, 'restore_hold: id must have 22 characters')
local hold = { state = lost and 'p' or 'c', sequence = tonumber(ARGV[7]),
  created_ms = tonumber(ARGV[8]), deadline_ms = tonumber(ARGV[9]), holder = ARGV[10], lines = {} }
for i = 11, #ARGV, 2 do
  local line = { sku = ARGV[i], quantity = tonumber(ARGV[i + 1]) }
  assert(line.quantity and line.quantity >= 1, 'restore_hold: quantity must be 1 or more')
  hold.lines[#hold.lines + 1] = line
end
assert(#hold.lines > 0, 'restore_hold: a line or more')

local now_ms = clock_ms()
local there = load_hold(id)
if there then
  local _, state, deadline_ms, holder, lines = hold_fields(id, there)
  return reply(2, now_ms, id, state, deadline_ms, holder, lines, there.sequence,
    epoch_number())
end
local ended = load_ended(id)
if not lost and ended and ended.state ~= 'e' then return reply(-3, now_ms) end
for _, line in ipairs(hold.lines) do
  local more_due = false
  if not lost then _, more_due = give_back_due(line.sku, now_ms, budget) end
  local stock = stock_of(line.sku)
  if not stock then return reply(-2, now_ms, line.sku) end
  if not lost and stock.total - stock.reserved < line.quantity then
    if more_due then return reply(-10) end
    return reply(-1, now_ms)
  end
end

if not lost then
  -- What ended is the better witness of how far the reservation had come.
  hold.sequence = (ended and ended.sequence or hold.sequence) + 1
end
redis.call('DEL', ended_key(id))
place_hold(id, hold, now_ms + (lease_ms or 0))
if not lost then append_event('revived', id, hold) end
local _, state, deadline_ms, holder, lines = hold_fields(id, hold)
return reply(1, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch_number())
