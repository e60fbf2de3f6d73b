-- reserve: hold one or more SKUs for one holder, all or nothing, until a deadline. Decides the
-- requests of a batch one after the other, each as if it had come alone.
-- include shared/holds.lua
-- include shared/expiring.lua
-- include shared/together.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: idem:<digest>, holds:<bucket>, ended:<id>, stock:<sku>, due:<sku>,
-- units:<bucket>; the same keys of holds that expire.
-- ARGV[1] empty            ARGV[2] ended_retention_s  ARGV[3] empty: each request has its own
-- ARGV[4] idem_retention_s ARGV[5] reclaim_batch, lines of all requests together, 1 or more
-- ARGV[6] max_holds, 1 or more: most holds that an owner may have of one SKU
-- ARGV[7] max_lifetime_ms
-- ARGV[8] shopper_units, 1 or more, and ARGV[9] shopper_share, thousandths of the total: most units
--   of one SKU that a shopper may hold
-- ARGV[10..] of each request: number of lines, trace, fingerprint or empty, digest of its key, id,
--   holder, hold_ms (1 or more), on_existing (refuse, refuse-unless-limited, replace, allow),
--   is_shopper (0 or 1), then sku and quantity (1 or more) of each line; each SKU once
--
-- Returns fenced, or for each request in their order an error or its outcome, now_ms and, by
-- ReserveOutcome:
--    1 held          id, state, deadline_ms, holder, lines, and sku:quantity:left of each line
--    2 already held  id, state, deadline_ms, holder, lines: the same request, repeated
--   -1 insufficient  sku:quantity:available of each line, own
--   -2 unknown sku, -5 paused  sku
--   -3 active reservation exists  sku, own
--   -4 limit exceeded  sku, limit, units that count towards it, own
--   -6 id reused with other content    -7 idempotency key reused with another request
--   -8 ended         id, state, deadline_ms, holder, lines
--   -9 fenced       -10 more holds are due than one call expires: call again
--
-- `own`: id, state, deadline_ms, holder, lines of a hold that the holder has of one of the SKUs;
-- absent where there is none. A refusal that the holder's own hold may have caused reports it. An
-- owner with max_holds holds of a SKU gets -3 too, whatever on_existing says.
--
-- Work: per line, the due holds that the budget allows and the owner's holds, max_holds at most.
--
-- Invariants: reserved <= total after every hold; every line or none; due holds expire before a
-- request is refused; an owner's units stay within max_per_customer, and what a shopper holds
-- within shopper_limit; a hold that replaces others counts its lifetime from the oldest of them, so
-- that replacing doesn't hold units for ever; a request affects the next one only by the units it
-- took, even if it failed.
-- By design: `total` may be lowered below `reserved`. That stops new holds and ends none.

if fenced() then return reply(-9) end
local budget = tonumber(ARGV[5])
assert(budget and budget >= 1, 'reserve: reclaim_batch must be 1 or more')
local max_holds = tonumber(ARGV[6])
assert(max_holds and max_holds >= 1, 'reserve: max_holds must be 1 or more')
local max_lifetime_ms = tonumber(ARGV[7])
assert(max_lifetime_ms and max_lifetime_ms >= 1, 'reserve: max_lifetime_ms must be 1 or more')
local shopper_units, shopper_share = tonumber(ARGV[8]), tonumber(ARGV[9])
assert(shopper_units and shopper_share, 'reserve: limits of a shopper must be numbers')
local BEFORE_LINES = 9

-- One time for all requests: a SKU with nothing due for the first has nothing due for the last.
local now_ms = clock_ms()
local now_text = reply(now_ms)
local nothing_due = {}

local function read_request(at)
  local id, holder, hold_ms = ARGV[at + 4], ARGV[at + 5], tonumber(ARGV[at + 6])
  assert(#id == 22, 'reserve: id must have 22 characters')
  assert(hold_ms and hold_ms >= 1, 'reserve: hold_ms must be 1 or more')
  local lines, seen = {}, {}
  for n = 1, tonumber(ARGV[at]) do
    local place = at + BEFORE_LINES + 2 * (n - 1)
    local line = { sku = ARGV[place], quantity = tonumber(ARGV[place + 1]) }
    assert(line.quantity and line.quantity >= 1, 'reserve: quantity must be 1 or more')
    assert(not seen[line.sku], 'reserve: each SKU once')
    seen[line.sku] = true
    lines[n] = line
  end
  return id, holder, hold_ms, ARGV[at + 7], lines, ARGV[at + 8] == '1'
end

-- Due holds expire first. This writes before the last refusal, which is safe: each expiry is a
-- complete step. When the budget is spent, the SKUs of the remaining lines may have due holds too.
local function expire_due_of(lines)
  local more_due = false
  for _, line in ipairs(lines) do
    if not nothing_due[line.sku] then
      if budget < 1 then return true end
      local spent, more = expire_due(line.sku, now_ms, budget)
      budget = budget - spent
      more_due = more_due or more
      nothing_due[line.sku] = not more
    end
  end
  return more_due
end

-- The holds of these SKUs that the holder's owner has, each once. Due ones expire here.
local function find_own(holder, lines)
  local own, own_ids = {}, {}
  for _, line in ipairs(lines) do
    local account, has_changed = read_units(holder, line.sku), false
    for _, held in ipairs(account.holds) do
      local hold = own[held.id] or load_current(held.id, now_ms)
      if hold and not own[held.id] then own_ids[#own_ids + 1] = held.id end
      own[held.id] = hold
      has_changed = has_changed or not hold
    end
    if has_changed then account = read_units(holder, line.sku) end
    line.account, line.units = account, account.confirmed + account.held
    line.held = account.held
  end
  return own, own_ids
end

local function fields_with(own, own_id, text)
  if not own_id then return text end
  return text .. '\t' .. reply(hold_fields(own_id, own[own_id]))
end

-- The refusal of the first SKU that is unknown or paused; nil without one.
local function look_up_stock(lines)
  for _, line in ipairs(lines) do
    local stock = remembered_stock[line.sku] or stock_of(line.sku)
    if not stock then return reply(-2, now_text, line.sku) end
    remembered_stock[line.sku] = stock
    if stock.paused then return reply(-5, now_text, line.sku) end
    line.available, line.limit = stock.total - stock.reserved, stock.limit
    line.total = stock.total
  end
end

-- By on_existing, own holds refuse the request, or are replaced by it, or neither. Each hold of an
-- owner makes all later calls for the owner dearer, so their number has a bound.
local function weigh_own(own, own_ids, on_existing, lines)
  for _, own_id in ipairs(own_ids) do
    for _, line in ipairs(lines) do
      local held = quantity_of(own[own_id], line.sku)
      local refusing = on_existing == 'refuse'
        or (on_existing ~= 'replace' and #line.account.holds >= max_holds)
        or (on_existing == 'refuse-unless-limited' and not line.limit)
        or (on_existing == 'replace' and own[own_id].state ~= 'p')
      if held > 0 and refusing then
        return reply(-3, fields_with(own, own_id, reply(now_text, line.sku)))
      end
      if on_existing == 'replace' then
        line.available = line.available + held
        line.units, line.held = line.units - held, line.held - held
      end
    end
  end
end

-- The limit that a line exceeds, and the units that count towards it; nil without one.
local function exceeded(line, is_shopper)
  if line.limit and line.units + line.quantity > line.limit then return line.limit, line.units end
  if not is_shopper then return nil end
  local most = shopper_limit(line.total, shopper_units, shopper_share)
  if line.held + line.quantity > most then return most, line.held end
end

-- When the lifetime of a hold began, and its deadline.
local function lifetime_of(hold_ms, replaced, own)
  if #replaced == 0 then return now_text, now_ms + hold_ms end
  local created_ms, latest_ms = now_ms, 0
  for _, own_id in ipairs(replaced) do
    created_ms = math.min(created_ms, tonumber(own[own_id].created_ms))
    latest_ms = math.max(latest_ms, tonumber(own[own_id].deadline_ms))
  end
  -- A replaced hold may live longer only where max_lifetime_ms was lowered since.
  local last_ms = math.max(created_ms + max_lifetime_ms, latest_ms)
  return reply(created_ms), math.min(now_ms + hold_ms, last_ms)
end

local function decide(at)
  trace, fingerprint = ARGV[at + 1], ARGV[at + 2]
  answer_key = fingerprint ~= '' and prefix .. 'idem:' .. ARGV[at + 3]
  local replayed = replay()
  if replayed then return replayed end
  local id, holder, hold_ms, on_existing, lines, is_shopper = read_request(at)

  -- An id is never used for a second reservation.
  local existing, waiting = load_current(id, now_ms)
  if existing then
    if not same_request(existing, holder, lines) then return reply(-6, now_text) end
    return reply(2, now_text, hold_fields(id, existing))
  end
  local ended = load_ended(id, waiting)
  if ended then
    if not same_request(ended, holder, lines) then return reply(-6, now_text) end
    return reply(-8, now_text, hold_fields(id, ended))
  end

  local more_due = expire_due_of(lines)
  local own, own_ids = find_own(holder, lines)
  local refused = look_up_stock(lines) or weigh_own(own, own_ids, on_existing, lines)
  if refused then return refused end

  local replaced = on_existing == 'replace' and own_ids or {}
  local created_ms, deadline_ms = lifetime_of(hold_ms, replaced, own)
  local sufficient, left = true, {}
  for i, line in ipairs(lines) do
    local limit, counted = exceeded(line, is_shopper)
    if limit then
      return reply(-4, fields_with(own, own_ids[1], reply(now_text, line.sku, limit, counted)))
    end
    sufficient = sufficient and line.quantity <= line.available
    read_page(line.sku, deadline_ms)
    left[i] = line.sku .. ':' .. line.quantity .. ':' .. math.max(0, line.available)
  end
  if not sufficient then
    if more_due then return reply(-10) end
    return reply(-1, fields_with(own, own_ids[1], reply(now_text, table.concat(left, ','))))
  end

  -- Numbers that are written more than once are text: formatting one takes as long as a GET.
  local hold = { state = 'p', sequence = 1, created_ms = created_ms,
    deadline_ms = reply(deadline_ms), holder = holder, lines = lines }
  for _, own_id in ipairs(replaced) do end_hold(own_id, own[own_id], 'r', 'released') end
  -- place_hold reads again: unread deadlines may be unreadable, and replacing has changed units.
  if more_due or #replaced > 0 then
    place_hold(id, hold, 'reserved')
  else
    write_hold(id, hold, 'reserved')
  end
  for i, line in ipairs(lines) do
    left[i] = line.sku .. ':' .. line.quantity .. ':' .. (line.available - line.quantity)
  end
  return answer(1, now_text, id, 'p', hold.deadline_ms, holder, lines_text(lines),
    table.concat(left, ','))
end

-- All requests are checked to be complete before the first is decided.
local starts, at = {}, 10
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  assert(count and count >= 1, 'reserve: a line or more')
  starts[#starts + 1] = at
  at = at + BEFORE_LINES + 2 * count
end
assert(at == #ARGV + 1 and #starts > 0, 'reserve: sku and quantity of each line')

return decide_each(decide, starts)
