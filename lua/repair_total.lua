-- repair_total: make Redis say of one SKU what the system of record says, whatever it said before.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] the SKU's lock
-- Derived, with the same tag: stock:<sku>, due:<sku>, holds:<bucket>, leases.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock     ARGV[4] sku
-- ARGV[5] budget, holds, 1 or more            ARGV[6] total, 0 or more      ARGV[7] version
-- ARGV[8] max_per_customer, 0 for none        ARGV[9] paused, 0 or 1
--
-- Returns the outcome, by RepairTotalOutcome:
--    1 repaired   2 nothing to repair   -1 the lock is another's   -3 too many holds of a new SKU
--   -9 fenced
--
-- Invariants: called while the system of record keeps the SKU's row locked, so nothing newer can be
-- here; `reserved` of a known SKU is not touched, and that of a new one is the sum of its holds.

if fenced() then return reply(-9) end
local sku, budget, total, version = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
assert(budget and budget >= 1, 'repair_total: budget must be 1 or more')
assert(total and total >= 0, 'repair_total: total must be 0 or more')
assert(version, 'repair_total: version must be a number')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end

local limit, paused = ARGV[8] ~= '0' and ARGV[8], ARGV[9] == '1'
local known = redis.call('HMGET', stock_key(sku),
  'total', 'version', 'max_per_customer', 'paused', 'limits_version')
if tonumber(known[1]) == total and tonumber(known[2]) == version and known[3] == limit
  and (known[4] ~= false) == paused and known[5] == ARGV[7] then
  return reply(2)
end
if not known[1] then
  local leased = sum_leases(budget)
  if not leased or redis.call('ZCARD', due_key(sku)) > budget then return reply(-3) end
  local pending = sum_due(sku)
  redis.call('HSET', stock_key(sku), 'reserved', pending + (leased[sku] or 0))
end
redis.call('HSET', stock_key(sku), 'total', ARGV[6], 'version', ARGV[7], 'limits_version', ARGV[7])
redis.call('HDEL', stock_key(sku), 'max_per_customer', 'paused')
if limit then redis.call('HSET', stock_key(sku), 'max_per_customer', limit) end
if paused then redis.call('HSET', stock_key(sku), 'paused', 1) end
redis.call('XADD', KEYS[2], '*', 'type', 'stock-set', 'reservation', '', 'sequence', 0,
  'holder', '', 'deadline_ms', 0, 'lines', sku .. ':' .. ARGV[6], 'trace', trace)
return reply(1)
