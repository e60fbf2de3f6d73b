-- lost: closes SKUs whose counters are lost. For the scripts that write counters.
--
-- A SKU without `reserved` or `version` is new, or its key was removed by hand. Any
-- hold that it had has left a deadline or a lease. Such a SKU must not start from 0, since its
-- units would be sold twice: it is closed as a broken-off repair leaves it, and the audit rebuilds
-- it.

-- What can't be read may be a hold of the SKU.
local function is_held(partition, sku)
  if redis.call('EXISTS', partition .. 'due:' .. sku, partition .. 'pages:' .. sku) > 0 then
    return true
  end
  for _, id in ipairs(redis.call('ZRANGE', partition .. 'leases', 0, -1)) do
    local text = redis.pcall('HGET', partition .. 'holds:' .. string.sub(id, 20, 21), id)
    if type(text) == 'table' or text and string.find(text, '\t' .. sku .. '\t', 1, true) then
      return true
    end
  end
  return false
end

local function close_if_held(partition, sku)
  if not is_held(partition, sku) then return end
  redis.call('HSETNX', partition .. 'stock:' .. sku, 'fenced', 'lost')
  redis.call('SADD', partition .. 'fences', sku)
end
