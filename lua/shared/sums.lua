-- sums: sums of holds, for the scripts that audit and repair. Included after shared/holds.lua.
--
-- Nothing here assumes that an index is correct: the audit checks that. A value that can't be read
-- is an error that names it, as everywhere. The sum of a SKU covers its deadlines and leases; the
-- audit finds a hold that is in neither when it goes through the buckets.

local function text_of(id) return read_of('-', 'HGET', holds_key(id), id) end

local function hold_of(id)
  local text = text_of(id)
  return text and parse_hold(text)
end

-- Units of each SKU in confirming holds, and ids of leases without a confirming hold; nil if there
-- are more leases than `limit`. A hold that can't be read is neither: the audit finds it elsewhere.
local function sum_leases(limit)
  if redis.call('ZCARD', leases_key()) > limit then return nil end
  local units, dangling = {}, {}
  for _, id in ipairs(redis.call('ZRANGE', leases_key(), 0, -1)) do
    local readable, hold = try(hold_of, id)
    if readable and hold and hold.state == 'c' then
      for _, line in ipairs(hold.lines) do
        units[line.sku] = (units[line.sku] or 0) + line.quantity
      end
    elseif readable then
      dangling[#dangling + 1] = id
    end
  end
  return units, dangling
end

-- Units of a SKU in pending holds, ids of deadlines without a pending hold, newest created_ms.
local function sum_due(sku)
  local units, dangling, newest_ms = 0, {}, 0
  local function add(id)
    local hold = hold_of(id)
    local quantity = hold and hold.state == 'p' and quantity_of(hold, sku) or 0
    if quantity > 0 then
      units = units + quantity
      newest_ms = math.max(newest_ms, tonumber(hold.created_ms))
    else
      dangling[#dangling + 1] = id
    end
  end
  for _, page in ipairs(pages_of(sku)) do
    for _, id in ipairs(read_of(sku, 'ZRANGE', page.key, 0, -1)) do add(id) end
  end
  return units, dangling, newest_ms
end

local function digest_names(digest, hold)
  for _, line in ipairs(hold.lines) do
    if redis.sha1hex(owner_of(hold.holder) .. '\t' .. line.sku):sub(1, 25) == digest then
      return line.sku
    end
  end
  return nil
end

-- An account as it should be, the listed ids that don't hold its SKU, and the SKU where that is
-- known; nil where nothing is wrong.
local function wrong_account(bucket, field)
  local key = prefix .. 'units:' .. bucket
  local text = read_of('-', 'HGET', key, field)
  if not text then return nil end
  local bought = count_of('-', 'what a customer has bought', string.match(text, '^%S*'))
  local units = { key = key, field = field, holds = {}, confirmed = bought }
  local orphans, sku = {}, ''
  for id, quantity in string.gmatch(text, ' (%S+) (%d+)') do
    local there = hold_of(id)
    if there and digest_names(bucket .. field, there) then
      units.holds[#units.holds + 1] = { id = id, quantity = tonumber(quantity) }
    else
      local ended = there or load_ended(id)
      orphans[#orphans + 1] = id
      sku = ended and digest_names(bucket .. field, ended) or sku
    end
  end
  if #orphans == 0 then return nil end
  return units, orphans, sku
end

-- Whether the SKU's score in `due` is after its earliest deadline: the expirer would come too late.
local function due_is_late(sku)
  local earliest = earliest_deadline(sku)
  if not earliest then return false end
  local known = redis.call('ZSCORE', KEYS[3], sku)
  return not known or tonumber(known) > earliest
end

local function last_event()
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end
