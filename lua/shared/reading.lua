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
-- Not handled: the keys that a whole partition shares (Partition.Shared). If one of these has
-- another type, no script works, whatever the SKU, until the reconciliation worker has fenced and
-- rebuilt the partition.

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

-- Whether a score, as text or as a number, is a time in milliseconds: the ledger and the services
-- can read no other.
local function is_time(score)
  local ms = tonumber(score)
  return ms > 0 and ms < 1e14 and ms % 1 == 0
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

-- A quantity is 1 or more, as digits, and fits in 32 bits: the services read it in the same way.
local function line_of(sku, text)
  local quantity = #text <= 10 and tonumber(text)
  return quantity and quantity <= 2147483647 and { sku = sku, quantity = quantity } or nil
end

local HEAD = '^([pcfre])\t(%d+)\t(%d+)\t(%d+)\t([^\t]+)\t'
local ONE_LINE = HEAD .. '([^\t]+)\t([1-9]%d*)$'

local function lines_of(text)
  local lines, readable = {}, {}
  for sku, quantity in string.gmatch(text, '([^\t]+)\t([1-9]%d*)') do
    lines[#lines + 1] = line_of(sku, quantity)
    readable[#readable + 1] = sku .. '\t' .. quantity
  end
  -- The pattern skips what it doesn't match.
  return #lines == #readable and table.concat(readable, '\t') == text and lines or {}
end

-- created_ms stays text, since only extend and the sums compute with it. Most holds have one line
-- and are read by one pattern.
local function parse_hold(text)
  local state, sequence, created_ms, deadline_ms, holder, sku, quantity =
    string.match(text, ONE_LINE)
  local lines = state and { line_of(sku, quantity) }
  if not state then
    local rest
    state, sequence, created_ms, deadline_ms, holder, rest = string.match(text, HEAD .. '(.+)$')
    lines = state and lines_of(rest) or {}
  end
  -- Longer numbers are no times, and no sequence fits 32 bits.
  local fits = state and #sequence <= 9 and #created_ms <= 14 and #deadline_ms <= 14
  if #lines == 0 or not fits then
    local named = string.match(text, '^' .. string.rep('[^\t]*\t', 5) .. '([^\t]+)')
    unreadable(named or '-', 'a hold reads ' .. quoted(text))
  end
  return { state = state, sequence = tonumber(sequence), created_ms = created_ms,
    deadline_ms = tonumber(deadline_ms), holder = holder, lines = lines }
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
