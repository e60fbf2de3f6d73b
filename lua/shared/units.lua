-- units: the units of SKUs that owners have bought and hold. Included after shared/reading.lua and
-- before shared/holds.lua, which documents the layout.

local prefix = string.match(KEYS[1], '^{inv:%d+}:')

-- The owner of a holder: limits count per owner. All carts of a shopper, and the shopper's holds
-- without a cart, count together. Any other holder is its own owner.
local function owner_of(holder)
  if string.sub(holder, 1, 2) ~= 's:' then return holder end
  local subject = string.match(holder, '^s:([^|]+)')
  return subject and 'u:' .. subject or holder
end

-- The units of a SKU that a holder's owner has: units bought, and the active holds that contain it.
local function read_units(holder, sku)
  local digest = redis.sha1hex(owner_of(holder) .. '\t' .. sku)
  local units = { key = prefix .. 'units:' .. string.sub(digest, 1, 3),
    field = string.sub(digest, 4, 25), confirmed = 0, held = 0, holds = {} }
  local text = read_of(sku, 'HGET', units.key, units.field)
  -- Most owners have one hold and have bought nothing.
  local id, quantity = string.match(text or '', '^0 (%S+) (%d+)$')
  if id then
    units.held = tonumber(quantity)
    units.holds[1] = { id = id, quantity = units.held }
  elseif text and not (rebuilds and not is_count(string.match(text, '^%S*'))) then
    units.confirmed = count_of(sku, 'what a customer has bought', string.match(text, '^%S*'))
    for id, quantity in string.gmatch(text, ' (%S+) (%d+)') do
      units.holds[#units.holds + 1] = { id = id, quantity = tonumber(quantity) }
      units.held = units.held + tonumber(quantity)
    end
  end
  return units
end

local function write_units(units)
  if units.confirmed == 0 and #units.holds == 0 then
    redis.call('HDEL', units.key, units.field)
    return
  end
  local parts = { units.confirmed }
  for _, hold in ipairs(units.holds) do parts[#parts + 1] = hold.id .. ' ' .. hold.quantity end
  redis.call('HSET', units.key, units.field, table.concat(parts, ' '))
end

-- A changed hold keeps its place: locate and adjust take the holder's first hold. Units in `bought`
-- count from the same write on.
local function set_units(units, id, quantity, bought)
  local holds, known = {}, false
  for _, hold in ipairs(units.holds) do
    if hold.id == id then
      hold.quantity = quantity
      known = true
    end
    if hold.quantity > 0 then holds[#holds + 1] = hold end
  end
  if not known and quantity > 0 then holds[#holds + 1] = { id = id, quantity = quantity } end
  units.holds = holds
  units.confirmed = units.confirmed + (bought or 0)
  write_units(units)
end

-- Most units of a SKU that a shopper may hold at once, whatever the customer's limit says: without
-- it one session could hold all stock. Units bought don't count, since they are paid.
local function shopper_limit(total, units, share)
  return math.min(units, math.max(1, math.floor(total * share / 1000)))
end
