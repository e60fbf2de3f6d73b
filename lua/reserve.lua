-- reserve: hold one or more SKUs for one holder, all or nothing, until a deadline.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch         KEYS[2] {inv:p}:events     KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:idem:<digest> KEYS[5] {inv:p}:holds:<bucket of the id>
-- KEYS[6] {inv:p}:ended:<id>    KEYS[7..] {inv:p}:stock:<sku>, one per SKU
-- Derived, with the same tag: due:<sku>, units:<bucket>; and the parts of holds given back.
-- ARGV[1] trace           ARGV[2] ended_retention_s   ARGV[3] fingerprint or empty
-- ARGV[4] idem_retention_s ARGV[5] reclaim_batch, lines, 1 or more
-- ARGV[6] id              ARGV[7] holder              ARGV[8] hold_ms, 1 or more
-- ARGV[9] on_existing: refuse, refuse-unless-limited, replace, allow
-- ARGV[10..] sku, quantity (1 or more) of each line; each SKU once
--
-- Returns outcome, now_ms and, by ReserveOutcome:
--    1 held          id, state, deadline_ms, holder, lines, and sku:quantity:left of each line
--    2 already held  id, state, deadline_ms, holder, lines: the same request, repeated
--   -1 insufficient  sku:quantity:available of each line, own
--   -2 unknown sku, -5 paused  sku
--   -3 active reservation exists  sku, own
--   -4 limit exceeded  sku, limit, units the holder has, own
--   -6 id reused with other content    -7 idempotency key reused with another request
--   -8 ended         id, state, deadline_ms, holder, lines
--   -9 fenced       -10 more holds are due than one call gives back: call again
--
-- `own`: id, state, deadline_ms, holder, lines of a hold that the holder has of one of the SKUs;
-- absent where there is none. Nobody is refused because of a hold of their own without being told.
--
-- Invariants: reserved <= total after every hold; every line or none; what is due is given back
-- before anybody is refused; a holder's units stay within max_per_customer.
-- Absent: a second look at `total`. Lowering it below `reserved` is the owner's right; it stops new
-- holds and ends none.

if fenced() then return reply(-9) end
local replayed = replay()
if replayed then return replayed end

local budget, id, holder = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local hold_ms, on_existing = tonumber(ARGV[8]), ARGV[9]
assert(budget and budget >= 1, 'reserve: reclaim_batch must be 1 or more')
assert(#id == 22, 'reserve: id must have 22 characters')
assert(hold_ms and hold_ms >= 1, 'reserve: hold_ms must be 1 or more')
assert(KEYS[5] == holds_key(id) and KEYS[6] == ended_key(id), 'reserve: keys of this id')
assert((#ARGV - 9) / 2 == #KEYS - 6 and #KEYS >= 7, 'reserve: a stock key for each line')

local now_ms = clock_ms()
local lines, seen = {}, {}
for i = 10, #ARGV, 2 do
  local line = { sku = ARGV[i], quantity = tonumber(ARGV[i + 1]) }
  assert(line.quantity and line.quantity >= 1, 'reserve: quantity must be 1 or more')
  assert(not seen[line.sku], 'reserve: each SKU once')
  seen[line.sku] = true
  lines[#lines + 1] = line
end

-- An id means one reservation for ever.
local existing = load_current(id, now_ms)
if existing then
  if not same_request(existing, holder, lines) then return answer(-6, now_ms) end
  return answer(2, now_ms, hold_fields(id, existing))
end
local ended = load_ended(id)
if ended then
  if not same_request(ended, holder, lines) then return answer(-6, now_ms) end
  return answer(-8, now_ms, hold_fields(id, ended))
end

-- Due holds go back first. This writes before the last refusal, which is safe: each is a whole
-- step. With the budget spent, a line that was not looked at may have due holds too.
local more_due = false
for i, line in ipairs(lines) do
  local spent, more = give_back_due(line.sku, now_ms, budget)
  budget = budget - spent
  more_due = more_due or more or (budget < 1 and i < #lines)
  if budget < 1 then break end
end

-- What the holder has of these SKUs: each hold once, looked at as it is now.
local own, own_ids = {}, {}
for _, line in ipairs(lines) do
  local units = read_units(holder, line.sku)
  if #units.holds > 0 then
    for _, held in ipairs(units.holds) do
      local hold = not own[held.id] and load_current(held.id, now_ms)
      if hold then
        own[held.id] = hold
        own_ids[#own_ids + 1] = held.id
      end
    end
    units = read_units(holder, line.sku)
  end
  line.units = units.confirmed + units.held
end
local function fields_with(own_id, ...)
  local text = table.concat({ ... }, '\t')
  if not own_id then return text end
  return text .. '\t' .. table.concat({ hold_fields(own_id, own[own_id]) }, '\t')
end

for _, line in ipairs(lines) do
  local stock = stock_of(line.sku)
  if not stock then return answer(-2, now_ms, line.sku) end
  if stock.paused then return answer(-5, now_ms, line.sku) end
  line.available = stock.total - stock.reserved
  line.limit = stock.limit
end

-- Own holds are in the way, or are given back in favour of this one, or neither.
for _, own_id in ipairs(own_ids) do
  for _, line in ipairs(lines) do
    local held = quantity_of(own[own_id], line.sku)
    local refusing = on_existing == 'refuse'
      or (on_existing == 'refuse-unless-limited' and not line.limit)
      or (on_existing == 'replace' and own[own_id].state ~= 'p')
    if held > 0 and refusing then
      return answer(-3, fields_with(own_id, now_ms, line.sku))
    end
    if on_existing == 'replace' then
      line.available = line.available + held
      line.units = line.units - held
    end
  end
end

local sufficient, left = true, {}
for i, line in ipairs(lines) do
  if line.limit and line.units + line.quantity > line.limit then
    return answer(-4, fields_with(own_ids[1], now_ms, line.sku, line.limit, line.units))
  end
  sufficient = sufficient and line.quantity <= line.available
  left[i] = line.sku .. ':' .. line.quantity .. ':' .. math.max(0, line.available)
end
if not sufficient then
  if more_due then return reply(-10) end
  return answer(-1, fields_with(own_ids[1], now_ms, table.concat(left, ',')))
end

if on_existing == 'replace' then
  for _, own_id in ipairs(own_ids) do end_hold(own_id, own[own_id], 'r', 'released') end
end
local hold = { state = 'p', sequence = 1, created_ms = now_ms, deadline_ms = now_ms + hold_ms,
  holder = holder, lines = lines }
place_hold(id, hold)
append_event('reserved', id, hold)
for i, line in ipairs(lines) do
  left[i] = line.sku .. ':' .. line.quantity .. ':' .. (line.available - line.quantity)
end
local _, state, deadline_ms, _, text = hold_fields(id, hold)
return answer(1, now_ms, id, state, deadline_ms, holder, text, table.concat(left, ','))
