-- sums: what holds add up to, for the scripts that audit and repair. Comes after shared/holds.lua.
--
-- Nothing here asserts that an index is right: whether it is, is what the audit asks. The sum of a
-- SKU is over due:<sku> and leases; a hold that stands in neither is found bucket by bucket.

local function text_of(id) return redis.call('HGET', holds_key(id), id) end

local function quantity_in(text, sku)
  return quantity_of(parse_hold(text), sku)
end

-- Units of each SKU under confirming holds, and leases whose hold isn't confirming. nil: too many.
local function sum_leases(limit)
  if redis.call('ZCARD', leases_key()) > limit then return nil end
  local units, dangling = {}, {}
  for _, id in ipairs(redis.call('ZRANGE', leases_key(), 0, -1)) do
    local text = text_of(id)
    if text and string.sub(text, 1, 1) == 'c' then
      for _, line in ipairs(parse_hold(text).lines) do
        units[line.sku] = (units[line.sku] or 0) + line.quantity
      end
    else
      dangling[#dangling + 1] = id
    end
  end
  return units, dangling
end

-- Units of a SKU under pending holds, deadlines of no pending hold, and when the newest hold began.
local function sum_due(sku)
  local units, dangling, newest_ms = 0, {}, 0
  for _, id in ipairs(redis.call('ZRANGE', due_key(sku), 0, -1)) do
    local text = text_of(id)
    local hold = text and parse_hold(text)
    local quantity = hold and hold.state == 'p' and quantity_of(hold, sku) or 0
    if quantity > 0 then
      units = units + quantity
      newest_ms = math.max(newest_ms, hold.created_ms)
    else
      dangling[#dangling + 1] = id
    end
  end
  return units, dangling, newest_ms
end

-- The expirer would come too late: the SKU's place in `due` is after its earliest deadline.
local function due_is_late(sku)
  local earliest = redis.call('ZRANGE', due_key(sku), 0, 0, 'WITHSCORES')[2]
  if not earliest then return false end
  local known = redis.call('ZSCORE', KEYS[3], sku)
  return not known or tonumber(known) > tonumber(earliest)
end

local function last_event()
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

local function owns(lock_key, token) return redis.call('GET', lock_key) == token end
