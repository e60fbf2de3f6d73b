-- load_stock: make SKUs what the system of record and the sum of their holds say, behind the fence.
--
-- KEYS[1] {inv:p}:events   KEYS[2..] {inv:p}:stock:<sku>, one per SKU
-- ARGV[1] trace
-- ARGV[2..] of each SKU: sku, total (0 or more), version, max_per_customer (0: none), paused (0 or
-- 1), reserved (0 or more), and the higher version that may be overwritten (0: none)
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many changed, how many had another `reserved`, and sku:version of each SKU that
--               is known in a higher version, which was left as it is but for `reserved`
--
-- Invariants: a version goes back only from the one that the caller has seen and found to be ahead
-- of the system of record, which was restored from a backup then; a key of another type is written
-- anew.
-- Absent: the fence, which is down; and events for SKUs that nobody could know before.

local function reply(...) return table.concat({ ... }, '\t') end

assert((#ARGV - 1) % 7 == 0 and (#ARGV - 1) / 7 == #KEYS - 1, 'load_stock: seven fields per SKU')
local changed, corrected, newer = 0, 0, {}
for i = 2, #KEYS do
  local at = 2 + (i - 2) * 7
  local sku, total, version, limit = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local paused, reserved, overwritable = ARGV[at + 4], ARGV[at + 5], tonumber(ARGV[at + 6])
  assert(tonumber(total) >= 0 and tonumber(reserved) >= 0, 'load_stock: counts are 0 or more')
  local known = redis.pcall('HMGET', KEYS[i], 'version', 'total', 'reserved', 'limits_version')
  if known.err then
    redis.call('DEL', KEYS[i])
    known = {}
  end
  local known_version = tonumber(known[1])
  if known[3] ~= reserved then
    redis.call('HSET', KEYS[i], 'reserved', reserved)
    if known[3] then corrected = corrected + 1 end
  end
  if known_version and known_version > tonumber(version) and known_version ~= overwritable then
    newer[#newer + 1] = sku .. ':' .. known[1]
  elseif known[1] ~= version or known[4] ~= version or known[2] ~= total then
    redis.call('HSET', KEYS[i], 'total', total, 'version', version, 'limits_version', version)
    if limit == '0' then
      redis.call('HDEL', KEYS[i], 'max_per_customer')
    else
      redis.call('HSET', KEYS[i], 'max_per_customer', limit)
    end
    if paused == '1' then
      redis.call('HSET', KEYS[i], 'paused', 1)
    else
      redis.call('HDEL', KEYS[i], 'paused')
    end
    changed = changed + 1
    if known[2] and known[2] ~= total then
      redis.call('XADD', KEYS[1], '*', 'type', 'stock-set', 'reservation', '', 'sequence', 0,
        'holder', '', 'deadline_ms', 0, 'lines', sku .. ':' .. total, 'trace', ARGV[1])
    end
  end
end
return reply(1, changed, corrected, table.concat(newer, ','))
