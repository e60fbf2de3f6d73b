-- lost: finds SKUs with lost counters. For the scripts that write counters.
--
-- A SKU without `reserved` or `version` is new, or its key was removed by hand. Any hold that it
-- had has left a deadline or a lease. Such a SKU must not start from 0, since its units would be
-- sold twice: it is closed as a broken-off repair leaves it, and the audit rebuilds it.

-- SKUs of the holds that have a lease, and whether one can't be read: it may be a hold of any SKU.
-- Read once in a call.
local leased, has_unreadable

local function read_leased(partition)
  leased, has_unreadable = {}, false
  for _, id in ipairs(redis.call('ZRANGE', partition .. 'leases', 0, -1)) do
    local text = redis.pcall('HGET', partition .. 'holds:' .. string.sub(id, 20, 21), id)
    local lines = type(text) == 'string'
      and string.match(text, '^' .. string.rep('[^\t]*\t', 5) .. '(.+)$')
    for sku in string.gmatch(lines or '', '([^\t]+)\t[^\t]*') do leased[sku] = true end
    has_unreadable = has_unreadable or text and not lines
  end
end

-- A caller asks before its first write: what it reads may be of another type.
local function is_held(partition, sku)
  if not leased then read_leased(partition) end
  return has_unreadable or leased[sku]
    or redis.call('EXISTS', partition .. 'due:' .. sku, partition .. 'pages:' .. sku) > 0
end

local function close_lost(partition, sku)
  redis.call('HSET', partition .. 'stock:' .. sku, 'fenced', 'lost')
  redis.call('SADD', partition .. 'fences', sku)
end
