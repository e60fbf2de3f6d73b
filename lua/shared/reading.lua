-- reading: reads what is stored, or refuses with an error that names what can't be read. Included
-- before shared/holds.lua.
--
-- A manual change or a bug may leave a key of another type or a field that isn't a number. A script
-- that found it after its first write would leave a step half done, so each step reads everything
-- it depends on with these functions before it writes. The refusal is an error, since no answer
-- would be correct:
--   UNREADABLE <sku, or - where it isn't known> <what>
-- A SKU that is closed for a repair refuses in the same way, so nothing of it changes meanwhile:
--   CLOSED <sku> it is being repaired
-- Not handled: the keys that a whole partition shares (epoch, events, due, leases, fences). If one
-- of these has another type, no script works, whatever the SKU.

-- The scripts of rebuilds and repairs set this. For them the fence of a SKU is open, and what can't
-- be read counts as missing: it is written again. Only counters that can't be read stay as they
-- are, since their SKU refuses everything until it is rebuilt itself.
local rebuilds = false

local function unreadable(sku, what)
  error({ err = 'UNREADABLE ' .. sku .. ' ' .. what })
end

-- The beginning of a stored value, safe to write to a log.
local function quoted(text)
  return '"' .. string.gsub(string.sub(text, 1, 40), '[^%w%.:,_ -]', '?') .. '"'
end

local function read_of(sku, command, key, ...)
  local result = redis.pcall(command, key, ...)
  if type(result) == 'table' and result.err then
    if not string.find(result.err, 'WRONGTYPE', 1, true) then error(result) end
    if not rebuilds then unreadable(sku, key .. ' has another type') end
    redis.call('UNLINK', key)
    return redis.call(command, key, ...)
  end
  return result
end

-- Accepts only integers as Redis writes them, with no more digits than a double holds exactly.
local function is_count(text)
  return #text <= 15 and (text == '0' or string.match(text, '^%-?[1-9]%d*$') ~= nil)
end

local function count_of(sku, name, text)
  if not text then unreadable(sku, name .. ' is missing') end
  if not is_count(text) then unreadable(sku, name .. ' is ' .. quoted(text)) end
  return tonumber(text)
end

-- Numbers as text, each formatted once: formatting one takes as long as a GET.
local digits = setmetatable({}, { __index = function(known, number)
  known[number] = tostring(number)
  return known[number]
end })

-- Most holds have one line and are read by one pattern; nil for any other text.
local function parse_line(text)
  local state, sequence, created_ms, deadline_ms, holder, sku, quantity = string.match(text,
    '^([pcfre])\t(%d+)\t(%d+)\t(%d+)\t([^\t]+)\t([^\t]+)\t(%d+)$')
  if not state or #quantity > 10 then return nil end
  return { state = state, sequence = tonumber(sequence), created_ms = created_ms,
    deadline_ms = tonumber(deadline_ms), holder = holder,
    lines = { { sku = sku, quantity = tonumber(quantity) } } }
end

-- created_ms stays text, since only extend and the sums compute with it.
-- A quantity has at most 10 digits, so that the sum of thousands is exact.
local function parse_hold(text)
  local known = parse_line(text)
  if known then return known end
  local fields = {}
  for field in string.gmatch(text, '[^\t]+') do fields[#fields + 1] = field end
  local hold = { state = fields[1], sequence = tonumber(fields[2]),
    created_ms = fields[3], deadline_ms = tonumber(fields[4]), holder = fields[5],
    lines = {} }
  local whole = #fields >= 7 and #fields % 2 == 1 and #fields[1] == 1
    and string.find('pcfre', fields[1], 1, true)
    and hold.sequence and hold.deadline_ms and tonumber(hold.created_ms)
  for i = 6, #fields, 2 do
    local quantity = tonumber(fields[i + 1])
    whole = whole and quantity and quantity % 1 == 0 and math.abs(quantity) < 1e10
    hold.lines[#hold.lines + 1] = { sku = fields[i], quantity = quantity }
  end
  if not whole then unreadable(fields[6] or '-', 'a hold reads ' .. quoted(text)) end
  return hold
end

-- Calls a function: returns true and its results, or false and what can't be read.
local function try(call, ...)
  local done, result, second, third = pcall(call, ...)
  if done then return true, result, second, third end
  local what = type(result) == 'table' and result.err or tostring(result)
  local named = string.match(what, '^UNREADABLE (.*)$') or string.match(what, '^CLOSED (.*)$')
  if not named then error(result) end
  return false, named
end
