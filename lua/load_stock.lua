-- load_stock: set SKUs to what the system of record has and the sum of their holds.
-- include shared/holds.lua
-- include shared/rebuilding.lua
-- include shared/lost.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: stock:<sku>, fences; for a lost SKU due:<sku>, pages:<sku>, leases
-- and holds:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3] sku that is repaired, empty for a rebuild of the partition   ARGV[4] token of the repair
-- ARGV[5..] of each SKU: sku, total (0 or more), version, max_per_customer (0: none), paused (0 or
-- 1), reserved (0 or more; empty: as it is), and the higher version that may be overwritten (0:
-- none)
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many changed, how many had another `reserved`, sku:version of each SKU that has
--               a higher version here, of which only `reserved` was set, and the last `reserved`
--   -1 another repair or rebuild has taken over
--
-- Invariants: a version goes back only from the one that the caller has read and found to be ahead
-- of a system of record that was restored from a backup; a key of another type is written again,
-- unless `reserved` is not given. A repaired SKU is opened, unless it has a higher version here. A
-- rebuild of the partition opens no SKU: a repair that was broken off has removed deadlines, which
-- only a repair writes again. It closes a SKU that has lost its counter and has holds, unless
-- `reserved` is given.
-- By design: no events for SKUs that are new here.

if replaced() then return reply(-1) end
assert((#ARGV - 4) % 7 == 0, 'load_stock: seven fields per SKU')
local changed, corrected, newer, last = 0, 0, {}, '0'
local repairs = repaired_sku ~= ''

local function write_total(key, total, version, limit, paused)
  redis.call('HSET', key, 'total', total, 'version', version, 'limits_version', version)
  redis.call('HDEL', key, 'max_per_customer', 'paused')
  if limit ~= '0' then redis.call('HSET', key, 'max_per_customer', limit) end
  if paused == '1' then redis.call('HSET', key, 'paused', 1) end
end

local function load_sku(sku, total, version, limit, paused, reserved, overwritable)
  assert(tonumber(total) >= 0, 'load_stock: total must be 0 or more')
  assert(reserved == '' or tonumber(reserved) >= 0, 'load_stock: reserved must be 0 or more')
  local key = stock_key(sku)
  local known = redis.pcall('HMGET', key,
    'version', 'total', 'reserved', 'limits_version', 'fenced')
  if known.err then
    if reserved == '' then return end
    redis.call('DEL', key)
    known = {}
  end
  local lacks_counter = reserved == '' and not repairs and not (known[1] and known[3])
  local is_lost = lacks_counter and is_held(prefix, sku)
  if lacks_counter then reserved = '0' end
  if reserved == '' then reserved = known[3] or '0' end
  if known[3] ~= reserved then
    redis.call('HSET', key, 'reserved', reserved)
    if known[3] then corrected = corrected + 1 end
  end
  if is_lost then close_lost(prefix, sku) end
  -- The list may have been lost, and the audit finishes the repairs of the SKUs in it.
  if known[5] and not repairs then redis.call('SADD', prefix .. 'fences', sku) end
  last = reserved
  local known_version = tonumber(known[1])
  local is_newer = known_version and known_version > tonumber(version)
    and known_version ~= overwritable
  if is_newer then newer[#newer + 1] = sku .. ':' .. known[1] end
  if repairs and not is_newer then
    redis.call('HDEL', key, 'fenced')
    redis.call('SREM', prefix .. 'fences', sku)
  end
  if is_newer then return end
  if repairs or known[1] ~= version or known[4] ~= version or known[2] ~= total then
    if repairs or (known[2] and known[2] ~= total) then append_stock_event(sku, total) end
    write_total(key, total, version, limit, paused)
    changed = changed + 1
  end
end

for i = 5, #ARGV, 7 do
  load_sku(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5],
    tonumber(ARGV[i + 6]))
end
return reply(1, changed, corrected, table.concat(newer, ','), last)
