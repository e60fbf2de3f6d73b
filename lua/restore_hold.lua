-- restore_hold: revive a hold that ended before its payment came.
-- include shared/holds.lua
-- include shared/expiring.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>; the same keys of holds that expire.
-- ARGV[1] trace         ARGV[2] ended_retention_s   ARGV[3] reclaim_batch
-- ARGV[4] lease_ms      ARGV[5] id                  ARGV[6] sequence    ARGV[7] created_ms
-- ARGV[8] deadline_ms   ARGV[9] holder
-- ARGV[10..] sku, quantity (1 or more) of each line; each SKU once
--
-- Returns outcome, now_ms and, by RestoreOutcome:
--    1 restored   2 there already   id, state, deadline_ms, holder, lines, pin, epoch number
--   -1 insufficient   -2 unknown sku   -3 released or confirmed before   -9 fenced
--  -10 more holds are due: call again
--
-- The hold is confirming at once, if every line is available; its event is `revived`.
--
-- Invariants: every line or none; no hold is revived twice; a hold that was confirmed or released
-- is not revived.
-- By design: limits and pauses don't refuse it, since the payment has been made.

if fenced() then return reply(-9) end
local budget, lease_ms, id = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
assert(budget and budget >= 1, 'restore_hold: reclaim_batch must be 1 or more')
assert(lease_ms and lease_ms >= 1, 'restore_hold: lease_ms must be 1 or more')
assert(#id == 22, 'restore_hold: id must have 22 characters')
local hold = { state = 'c', sequence = tonumber(ARGV[6]), created_ms = tonumber(ARGV[7]),
  deadline_ms = tonumber(ARGV[8]), holder = ARGV[9], lines = {} }
for i = 10, #ARGV, 2 do
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
if ended and ended.state ~= 'e' then return reply(-3, now_ms) end
for _, line in ipairs(hold.lines) do
  local _, more_due = expire_due(line.sku, now_ms, budget)
  local stock = stock_of(line.sku)
  if not stock then return reply(-2, now_ms, line.sku) end
  if stock.total - stock.reserved < line.quantity then
    if more_due then return reply(-10) end
    return reply(-1, now_ms)
  end
end

-- The ended hold here may have a later sequence than the caller's copy.
hold.sequence = (ended and ended.sequence or hold.sequence) + 1
place_hold(id, hold, 'revived', now_ms + lease_ms)
redis.call('DEL', ended_key(id))
local _, state, deadline_ms, holder, lines = hold_fields(id, hold)
return reply(1, now_ms, id, state, deadline_ms, holder, lines, hold.sequence, epoch_number())
