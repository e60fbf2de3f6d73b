-- repair_total: set one SKU in Redis to what the system of record has, whatever it was before.
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
--    1 repaired   2 nothing to repair   -1 lock not owned   -3 too many holds of a new SKU
--   -5 a hold can't be read, so its units aren't known   -9 fenced
--
-- Invariants: called while the system of record keeps the SKU's row locked, so Redis can't have
-- anything newer; `reserved` of a known SKU is not touched. Counters that are missing or can't be
-- read are written again, with `reserved` as the sum of the holds.

if fenced() then return reply(-9) end
local sku, budget, total, version = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
assert(budget and budget >= 1, 'repair_total: budget must be 1 or more')
assert(total and total >= 0, 'repair_total: total must be 0 or more')
assert(version, 'repair_total: version must be a number')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end

local limit, paused = ARGV[8] ~= '0' and ARGV[8] or nil, ARGV[9] == '1'
local readable, stock = try(stock_of, sku)
if readable and stock and stock.total == total and stock.version == version
  and stock.limit == (limit and tonumber(limit)) and (stock.paused or false) == paused
  and redis.call('HGET', stock_key(sku), 'limits_version') == ARGV[7] then
  return reply(2)
end
if not (readable and stock) then
  local leased, _, blind = sum_leases(budget)
  if blind and blind > 0 then return reply(-5) end
  local countable, holds = try(count_deadlines, sku)
  if not countable then return reply(-5) end
  if not leased or holds > budget then return reply(-3) end
  local counted, pending = try(sum_due, sku)
  if not counted then return reply(-5) end
  redis.call('DEL', stock_key(sku))
  redis.call('HSET', stock_key(sku), 'reserved', pending + (leased[sku] or 0))
end
redis.call('HSET', stock_key(sku), 'total', ARGV[6], 'version', ARGV[7], 'limits_version', ARGV[7])
redis.call('HDEL', stock_key(sku), 'max_per_customer', 'paused')
if limit then redis.call('HSET', stock_key(sku), 'max_per_customer', limit) end
if paused then redis.call('HSET', stock_key(sku), 'paused', 1) end
redis.call('XADD', KEYS[2], '*', 'type', 'stock-set', 'reservation', '', 'sequence', 0,
  'holder', '', 'deadline_ms', 0, 'lines', sku .. ':' .. ARGV[6], 'trace', trace)
return reply(1)
