-- repair_lost: restore a hold that vanished without an event, and count its units once.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] a SKU's lock
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] trace       ARGV[2] ended_retention_s   ARGV[3] token of the lock   ARGV[4] id
-- ARGV[5] budget, holds, 1 or more                ARGV[6] sequence            ARGV[7] created_ms
-- ARGV[8] deadline_ms ARGV[9] holder   ARGV[10..] sku, quantity (1 or more) of each line
--
-- Returns the outcome, by RepairLostOutcome:
--    1 restored   2 there already   -1 lock not owned   -2 unknown sku   -3 it has ended
--   -5 a hold can't be read, so its units aren't known   -9 fenced
--
-- The hold is pending again with its old deadline and sequence, whatever is available, since its
-- units were promised. No event is written: the system of record has them all.
--
-- Invariants: afterwards a counter is at least the sum of the holds; it is never lowered. If only
-- the hold was removed by hand, its units are still in the counter and are not added again. For a
-- SKU with more holds than the budget one step can't tell: the units are added, which can't
-- oversell, and the audit's count over many steps finds out whether the counter has them twice.

if fenced() then return reply(-9) end
local id, budget = ARGV[4], tonumber(ARGV[5])
local hold = { state = 'p', sequence = tonumber(ARGV[6]), created_ms = tonumber(ARGV[7]),
  deadline_ms = tonumber(ARGV[8]), holder = ARGV[9], lines = {} }
assert(#id == 22, 'repair_lost: id must have 22 characters')
assert(budget and budget >= 1, 'repair_lost: budget must be 1 or more')
assert(hold.sequence and hold.created_ms and hold.deadline_ms, 'repair_lost: numbers of the hold')
assert(#ARGV >= 11 and #ARGV % 2 == 1, 'repair_lost: sku and quantity of each line')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end
for i = 10, #ARGV, 2 do
  local line = { sku = ARGV[i], quantity = tonumber(ARGV[i + 1]) }
  assert(line.quantity and line.quantity >= 1, 'repair_lost: quantity must be 1 or more')
  hold.lines[#hold.lines + 1] = line
end

if hold_of(id) then return reply(2) end
if load_ended(id) then return reply(-3) end
local leased, _, blind = sum_leases(budget)
if blind and blind > 0 then return reply(-5) end

-- What each counter should be when the hold is restored; nil where a SKU is unknown.
local function counters()
  local after = {}
  for i, line in ipairs(hold.lines) do
    local stock = stock_of(line.sku)
    if not stock then return nil end
    if leased and count_deadlines(line.sku) <= budget then
      local held = sum_due(line.sku) + (leased[line.sku] or 0)
      after[i] = math.max(stock.reserved, held + line.quantity)
    else
      after[i] = stock.reserved + line.quantity
    end
  end
  return after
end

local readable, after = try(counters)
if not readable then return reply(-5) end
if not after then return reply(-2) end
place_hold(id, hold)
for i, line in ipairs(hold.lines) do
  redis.call('HSET', stock_key(line.sku), 'reserved', after[i])
end
return reply(1)
