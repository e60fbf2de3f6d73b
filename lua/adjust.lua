-- adjust: set how many units of one SKU a holder holds, whether or not there is a hold already.
-- include shared/holds.lua
-- include shared/expiring.lua
--
-- KEYS[1] {inv:p}:epoch         KEYS[2] {inv:p}:events     KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:idem:<digest> KEYS[5] {inv:p}:stock:<sku>
-- Derived, with the same tag: holds:<bucket>, ended:<id>, due:<sku>, units:<bucket>.
-- ARGV[1] trace            ARGV[2] ended_retention_s  ARGV[3] fingerprint or empty
-- ARGV[4] idem_retention_s ARGV[5] reclaim_batch, lines, 1 or more
-- ARGV[6] id, for a new hold                          ARGV[7] holder
-- ARGV[8] hold_ms, for a new hold, 1 or more          ARGV[9] sku
-- ARGV[10] quantity, 1 or more     ARGV[11] max_holds, 1 or more: see reserve
-- ARGV[12] is_shopper, 0 or 1      ARGV[13] shopper_units      ARGV[14] shopper_share: see reserve
--
-- Returns outcome, now_ms and, by AdjustOutcome:
--    1 held, 2 already held, 3 adjusted  id, state, deadline_ms, holder, lines, units left, and
--                   the change in units: 0 for 2, negative where they are fewer
--   -1 insufficient  units that this holder could have at most
--   -3 confirming    id, state, deadline_ms, holder, lines
--   -4 limit exceeded  limit, units that count         -2 unknown sku    -5 paused
--      With max_holds holds of the SKU an owner gets no other one: both numbers are the same.
--   -7 idempotency key reused with another request     -9 fenced   -10 more are due: call again
--
-- Invariants: as for reserve; the deadline stays, so that changing a cart doesn't prolong it;
-- fewer units are never refused for lack of stock, for a limit or for a pause.

if fenced() then return reply(-9) end
local replayed = replay()
if replayed then return replayed end

local budget, id, holder, hold_ms = tonumber(ARGV[5]), ARGV[6], ARGV[7], tonumber(ARGV[8])
local sku, quantity = ARGV[9], tonumber(ARGV[10])
assert(budget and budget >= 1, 'adjust: reclaim_batch must be 1 or more')
assert(#id == 22, 'adjust: id must have 22 characters')
assert(hold_ms and hold_ms >= 1, 'adjust: hold_ms must be 1 or more')
assert(quantity and quantity >= 1, 'adjust: quantity must be 1 or more')

local max_holds = tonumber(ARGV[11])
assert(max_holds and max_holds >= 1, 'adjust: max_holds must be 1 or more')
local shopper_units, shopper_share = tonumber(ARGV[13]), tonumber(ARGV[14])
assert(shopper_units and shopper_share, 'adjust: limits of a shopper must be numbers')

local now_ms = clock_ms()
local _, more_due = expire_due(sku, now_ms, budget)
-- Each hold of the owner is loaded first, so that holds past their deadline don't count.
local held, hold
for _, own in ipairs(read_units(holder, sku).holds) do
  local current = load_current(own.id, now_ms)
  if current and not hold and current.holder == holder then held, hold = own, current end
end
local units = read_units(holder, sku)
local stock = stock_of(sku)
if not stock then return reply(-2, now_ms) end
local available, limit = stock.total - stock.reserved, stock.limit

if hold and hold.state ~= 'p' then
  return reply(-3, now_ms, hold_fields(held.id, hold))
end
local more = quantity - (held and held.quantity or 0)
if hold and more == 0 then
  local held_id, state, deadline_ms, _, text = hold_fields(held.id, hold)
  return affirm(2, now_ms, held_id, state, deadline_ms, holder, text, math.max(0, available), 0)
end
if not hold and #units.holds >= max_holds then
  return reply(-4, now_ms, units.confirmed + units.held, units.confirmed + units.held)
end
if more > 0 then
  if stock.paused then return reply(-5, now_ms) end
  if limit and units.confirmed + units.held + more > limit then
    return reply(-4, now_ms, limit, units.confirmed + units.held)
  end
  local most = ARGV[12] == '1' and shopper_limit(stock.total, shopper_units, shopper_share)
  if most and units.held + more > most then return reply(-4, now_ms, most, units.held) end
  if more > available then
    if more_due then return reply(-10) end
    return reply(-1, now_ms, math.max(0, available) + (held and held.quantity or 0))
  end
end

if hold then
  -- stock_of has checked this SKU.
  if #hold.lines > 1 then assure_lines_open(hold) end
  id = held.id
  hold.sequence = hold.sequence + 1
  for _, line in ipairs(hold.lines) do
    if line.sku == sku then line.quantity = quantity end
  end
  append_event('adjusted', id, hold)
  redis.call('HINCRBY', KEYS[5], 'reserved', more)
  redis.call('HSET', holds_key(id), id, hold_text(hold))
  set_units(units, id, quantity)
  local _, state, deadline_ms, _, text = hold_fields(id, hold)
  return answer(3, now_ms, id, state, deadline_ms, holder, text,
    math.max(0, available - more), more)
end
hold = { state = 'p', sequence = 1, created_ms = now_ms, deadline_ms = now_ms + hold_ms,
  holder = holder, lines = { { sku = sku, quantity = quantity } } }
place_hold(id, hold, 'reserved')
local _, state, deadline_ms, _, text = hold_fields(id, hold)
return answer(1, now_ms, id, state, deadline_ms, holder, text, available - quantity, quantity)
