-- retire_stock: stop the sale of a SKU that the system of record doesn't know.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] the SKU's lock
-- Derived, with the same tag: stock:<sku>, due:<sku>, leases, holds:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock     ARGV[4] sku
-- ARGV[5] budget, leases, 1 or more
--
-- Returns the outcome, by RetireOutcome:
--    1 removed   2 paused: it has holds   3 paused before   -1 lock not owned
--   -2 unknown sku   -9 fenced
--
-- Invariants: no hold loses its counter, and nothing becomes available.

if fenced() then return reply(-9) end
local sku = ARGV[4]
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end
if redis.call('EXISTS', stock_key(sku)) == 0 then return reply(-2) end

local leased = sum_leases(tonumber(ARGV[5]))
local held = earliest_deadline(sku) or not leased or leased[sku]
if not held and redis.call('HGET', stock_key(sku), 'reserved') == '0' then
  redis.call('DEL', stock_key(sku))
  redis.call('ZREM', KEYS[3], sku)
  return reply(1)
end
if redis.call('HGET', stock_key(sku), 'paused') then return reply(3) end
redis.call('HSET', stock_key(sku), 'paused', 1)
return reply(2)
