-- repair_reserved: set `reserved` of one SKU to the sum of its holds, and repair its indices.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] the SKU's lock
-- Derived, with the same tag: stock:<sku>, due:<sku>, holds:<bucket>, leases.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock     ARGV[4] sku
-- ARGV[5] budget, holds, 1 or more    ARGV[6] 1: units may become available by it, 0: not
-- ARGV[7] correction of a SKU with more holds than the budget, summed by the caller; 0 for none
--
-- Returns outcome, reserved before and reserved after, by RepairReservedOutcome:
--    1 repaired   2 nothing to repair   -1 lock not owned   -2 unknown sku
--   -3 too many holds, and no correction   -4 units would become available
--   -5 a hold can't be read, so its units aren't known                     -9 fenced
--
-- Invariants: no other script changes the difference between reserved and the sum of the holds, so
-- a correction stays correct until it is applied; the lock keeps other repairs out.

if fenced() then return reply(-9) end
local sku, budget, correction = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[7])
assert(budget and budget >= 1, 'repair_reserved: budget must be 1 or more')
assert(correction, 'repair_reserved: correction must be a number')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end

local readable_stock, stock = try(stock_of, sku)
if not readable_stock then return reply(-5) end
if not stock then return reply(-2) end
local before = stock.reserved
local leased, dangling_leases, blind = sum_leases(budget)
if blind and blind > 0 then return reply(-5) end
local countable = leased and count_deadlines(sku) <= budget
local after, dangling = before + correction, {}
if countable then
  local readable, pending = try(function()
    local sum, without = sum_due(sku)
    dangling = without
    return sum
  end)
  if not readable then return reply(-5) end
  after = pending + (leased[sku] or 0)
elseif correction == 0 then
  return reply(-3)
end
if after < before and ARGV[6] ~= '1' then return reply(-4, before, after) end

local late = due_is_late(sku)
if before == after and #dangling == 0 and not late and #(dangling_leases or {}) == 0 then
  return reply(2, before, after)
end
for _, page in ipairs(pages_of(sku)) do remove_from(sku, page, dangling) end
for _, id in ipairs(dangling_leases or {}) do redis.call('ZREM', leases_key(), id) end
if late then
  redis.call('ZADD', KEYS[3], earliest_deadline(sku) or 0, sku)
end
redis.call('HSET', stock_key(sku), 'reserved', after)
return reply(1, before, after)
