-- load_stock: set SKUs to what the system of record has and the sum of their holds, while fenced.
--
-- KEYS[1] {inv:p}:events   KEYS[2..] {inv:p}:stock:<sku>, one per SKU
-- ARGV[1] trace
-- ARGV[2..] of each SKU: sku, total (0 or more), version, max_per_customer (0: none), paused (0 or
-- 1), reserved (0 or more; empty: as it is), and the higher version that may be overwritten (0:
-- none)
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many changed, how many had another `reserved`, and sku:version of each SKU that
--               has a higher version here, of which only `reserved` was set
--
-- Invariants: a version goes back only from the one that the caller has read and found to be ahead
-- of a system of record that was restored from a backup; a key of another type is written again,
-- unless `reserved` is not given.
-- By design: no check of the fence, since it runs while the partition is fenced; no events for SKUs
-- that are new here.

local function reply(...) return table.concat({ ... }, '\t') end

assert((#ARGV - 1) % 7 == 0 and (#ARGV - 1) / 7 == #KEYS - 1, 'load_stock: seven fields per SKU')
local changed, corrected, newer = 0, 0, {}

local function write_total(key, total, version, limit, paused)
  redis.call('HSET', key, 'total', total, 'version', version, 'limits_version', version)
  if limit == '0' then
    redis.call('HDEL', key, 'max_per_customer')
  else
    redis.call('HSET', key, 'max_per_customer', limit)
  end
  if paused == '1' then
    redis.call('HSET', key, 'paused', 1)
  else
    redis.call('HDEL', key, 'paused')
  end
end

local function load_sku(key, sku, total, version, limit, paused, reserved, overwritable)
  assert(tonumber(total) >= 0, 'load_stock: total must be 0 or more')
  assert(reserved == '' or tonumber(reserved) >= 0, 'load_stock: reserved must be 0 or more')
  local known = redis.pcall('HMGET', key, 'version', 'total', 'reserved', 'limits_version')
  if known.err then
    if reserved == '' then return end
    redis.call('DEL', key)
    known = {}
  end
  if reserved == '' then reserved = known[3] or '0' end
  if known[3] ~= reserved then
    redis.call('HSET', key, 'reserved', reserved)
    if known[3] then corrected = corrected + 1 end
  end
  local known_version = tonumber(known[1])
  if known_version and known_version > tonumber(version) and known_version ~= overwritable then
    newer[#newer + 1] = sku .. ':' .. known[1]
  elseif known[1] ~= version or known[4] ~= version or known[2] ~= total then
    write_total(key, total, version, limit, paused)
    changed = changed + 1
    if known[2] and known[2] ~= total then
      redis.call('XADD', KEYS[1], '*', 'type', 'stock-set', 'reservation', '', 'sequence', 0,
        'holder', '', 'deadline_ms', 0, 'lines', sku .. ':' .. total, 'trace', ARGV[1])
    end
  end
end

for i = 2, #KEYS do
  local at = 2 + (i - 2) * 7
  load_sku(KEYS[i], ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5],
    tonumber(ARGV[at + 6]))
end
return reply(1, changed, corrected, table.concat(newer, ','))
