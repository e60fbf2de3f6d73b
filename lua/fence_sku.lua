-- fence_sku: close one SKU for a repair, and open it when it isn't repaired from PostgreSQL's row.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: stock:<sku>, fences.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] sku   ARGV[4] token of the repair
-- ARGV[5] close; open: as it was before; retire: PostgreSQL doesn't know the SKU
--
-- Returns the outcome, by FenceSkuOutcome:
--    1 closed: 1 if it may be opened as it was, 0 if not; total and reserved before, - where there
--      was none
--    2 opened   3 removed: it had no holds   4 opened and paused: it has holds
--   -1 another repair has closed it   -9 fenced
--
-- Invariants: while a SKU is closed, none of its holds changes and none is made: every other script
-- refuses before its first write, as for a SKU that can't be read. Total and limits may change. A
-- repair that finds a SKU closed takes it over: the one before it has died. A key of another type,
-- or a SKU that an earlier repair has begun, is never opened as it was.

if fenced() then return reply(-9) end
local sku, token, action = ARGV[3], ARGV[4], ARGV[5]
local key, fences = stock_key(sku), prefix .. 'fences'

local function known(count) return count and is_count(count) and count or '-' end

if action == 'close' then
  local stock = redis.pcall('HMGET', key, 'total', 'reserved', 'fenced')
  local as_it_was = not stock.err and not stock[3]
  if stock.err then
    redis.call('UNLINK', key)
    stock = {}
  end
  redis.call('HSET', key, 'fenced', token)
  redis.call('SADD', fences, sku)
  return reply(1, as_it_was and 1 or 0, known(stock[1]), known(stock[2]))
end

assert(action == 'open' or action == 'retire', 'fence_sku: close, open or retire')
if redis.call('HGET', key, 'fenced') ~= token then return reply(-1) end
-- Listeners that have been told that the SKU can't be read look again.
if action == 'open' then append_stock_event(sku, redis.call('HGET', key, 'total') or 0) end
redis.call('SREM', fences, sku)
if action == 'retire' and redis.call('HGET', key, 'reserved') == '0' then
  redis.call('UNLINK', key)
  redis.call('ZREM', KEYS[3], sku)
  return reply(3)
end
redis.call('HDEL', key, 'fenced')
if action == 'retire' then
  redis.call('HSET', key, 'paused', 1)
  return reply(4)
end
return reply(2)
