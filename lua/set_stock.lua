-- set_stock: take over what the system of record says of one SKU.
--
-- KEYS[1] {inv:p}:events   KEYS[2] {inv:p}:stock:<sku>
-- ARGV[1] trace            ARGV[2] sku               ARGV[3] total, 0 or more
-- ARGV[4] version          ARGV[5] max_per_customer, 0 for none        ARGV[6] paused, 0 or 1
--
-- Returns the outcome, by SetStockOutcome: 1 applied   2 unchanged   -1 stale
--
-- Invariants: version never goes back; `reserved` is not touched, and is 0 for a new SKU.
-- Absent: the fence. Stock is loaded while it is down, before anything may be sold.

local function reply(...) return table.concat({ ... }, '\t') end

local total, version = tonumber(ARGV[3]), tonumber(ARGV[4])
assert(total and total >= 0, 'set_stock: total must be 0 or more')
assert(version, 'set_stock: version must be a number')

local known = tonumber(redis.call('HGET', KEYS[2], 'version'))
if known == version then return reply(2) end
if known and known > version then return reply(-1) end

redis.call('HSET', KEYS[2], 'total', ARGV[3], 'version', ARGV[4])
redis.call('HSETNX', KEYS[2], 'reserved', 0)
if ARGV[5] == '0' then
  redis.call('HDEL', KEYS[2], 'max_per_customer')
else
  redis.call('HSET', KEYS[2], 'max_per_customer', ARGV[5])
end
if ARGV[6] == '1' then
  redis.call('HSET', KEYS[2], 'paused', 1)
else
  redis.call('HDEL', KEYS[2], 'paused')
end
redis.call('XADD', KEYS[1], '*', 'type', 'stock-set', 'reservation', '', 'sequence', 0,
  'holder', '', 'deadline_ms', 0, 'lines', ARGV[2] .. ':' .. ARGV[3], 'trace', ARGV[1])
return reply(1)
