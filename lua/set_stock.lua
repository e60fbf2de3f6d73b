-- set_stock: apply what the system of record has of one SKU.
-- include shared/reading.lua
-- include shared/instant.lua
-- include shared/lost.lua
--
-- KEYS[1] {inv:p}:events   KEYS[2] {inv:p}:stock:<sku>
-- Derived, with the same tag, for a SKU that is new or lost: due:<sku>, pages:<sku>, leases,
-- holds:<bucket>, fences.
-- ARGV[1] trace            ARGV[2] sku               ARGV[3] total, 0 or more
-- ARGV[4] version          ARGV[5] max_per_customer, 0 for none        ARGV[6] paused, 0 or 1
--
-- Returns the outcome, by SetStockOutcome: 1 applied   2 unchanged   -1 stale
--
-- Invariants: version never goes back; `reserved` is not touched, and is 0 for a new SKU. A SKU
-- that is unknown here and has holds is closed. A commit has only a total and its version, so limit
-- and pause have their own version: a change of these that arrives after a later commit still
-- applies.
-- By design: no check of the fence. Stock is loaded while fenced, before anything may be sold.

local function reply(...) return table.concat({ ... }, '\t') end

local total, version = tonumber(ARGV[3]), tonumber(ARGV[4])
assert(total and total >= 0, 'set_stock: total must be 0 or more')
assert(version, 'set_stock: version must be a number')

local stock = redis.call('HMGET', KEYS[2],
  'version', 'limits_version', 'total', 'max_per_customer', 'paused', 'reserved', 'fenced')
local known, limits_known = tonumber(stock[1]) or -math.huge, tonumber(stock[2]) or -math.huge
if limits_known >= version and known == version then return reply(2) end
if limits_known >= version and known > version then return reply(-1) end

local limit, paused = ARGV[5] ~= '0' and ARGV[5], ARGV[6] == '1'
local is_later = known < version
local newest = is_later and ARGV[3] or stock[3]
-- The counter of a closed SKU is written by its repair.
local lacks_counter = is_later and not stock[7] and not (stock[1] and stock[6])
local partition = string.match(KEYS[1], '^{inv:%d+}:')
local is_lost = lacks_counter and is_held(partition, ARGV[2])
-- After a commit, often only limits_version differs: no event is needed.
local has_changed = is_later or stock[4] ~= limit or (stock[5] ~= false) ~= paused
if has_changed then
  append_at_clock(KEYS[1], 'type', 'stock-set', 'reservation', '', 'sequence', 0,
    'holder', '', 'deadline_ms', 0, 'lines', ARGV[2] .. ':' .. newest, 'trace', ARGV[1])
end
if is_later then redis.call('HSET', KEYS[2], 'total', newest, 'version', ARGV[4]) end
if lacks_counter then redis.call('HSET', KEYS[2], 'reserved', 0) end
if is_lost then close_lost(partition, ARGV[2]) end
if limits_known < version then
  redis.call('HSET', KEYS[2], 'limits_version', ARGV[4])
  redis.call('HDEL', KEYS[2], 'max_per_customer', 'paused')
  if limit then redis.call('HSET', KEYS[2], 'max_per_customer', limit) end
  if paused then redis.call('HSET', KEYS[2], 'paused', 1) end
end
if has_changed then return reply(1) end
return reply(2)
