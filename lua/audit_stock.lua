-- audit_stock: the counters of some SKUs and the sums of their holds, read in one step.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: stock:<sku>, due:<sku>, holds:<bucket>, leases.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] budget, holds, 1 or more   ARGV[4..] SKUs
--
-- Returns outcome, now_ms, the last event's id, ids in leases without a confirming hold, and
-- fourteen fields for each SKU until the budget is spent, at least one, by AuditOutcome:
--    1 looked   -9 fenced
-- The fourteen: 1 counted, 2 too many holds to count in one step, 0 no such SKU, 3 can't be read
-- and the rest is 0; total, reserved,
-- version, max_per_customer (0: none), paused; units pending; units confirming, -1: too many leases
-- to count; ids in due:<sku> without a pending hold; 1 when the SKU's place in due is too late;
-- newest created_ms; pending ids; the version of limit and pause; what can't be read.
--
-- Invariants: changes nothing, so it may run at any time; one call reads no more holds than the
-- budget, and as many leases.

if fenced() then return reply(-9) end
local budget = tonumber(ARGV[3])
assert(budget and budget >= 1, 'audit_stock: budget must be 1 or more')

local leased, dangling_leases = sum_leases(budget)
local fields = { clock_ms(), last_event(), table.concat(dangling_leases or {}, ',') }
local left = budget

local function look_at(sku, holds)
  local stock = stock_of(sku) or {}
  local state, pending, dangling, newest_ms = stock.total and 1 or 0, 0, {}, 0
  if not leased or holds > budget then
    state = 2
  else
    pending, dangling, newest_ms = sum_due(sku)
    left = left - holds
  end
  local limits_version = redis.call('HGET', stock_key(sku), 'limits_version') or '0'
  return { state, stock.total or 0, stock.reserved or 0, stock.version or 0, stock.limit or 0,
    stock.paused and 1 or 0, pending, leased and (leased[sku] or 0) or -1,
    table.concat(dangling, ',', 1, math.min(5, #dangling)), due_is_late(sku) and 1 or 0, newest_ms,
    holds, count_of(sku, 'limits_version', limits_version), '' }
end

for i = 4, #ARGV do
  local sku = ARGV[i]
  local readable, found = try(count_deadlines, sku)
  if readable then
    if found > left and i > 4 and found <= budget then break end
    readable, found = try(look_at, sku, found)
  end
  if not readable then
    found = { 3, 0, 0, 0, 0, 0, 0, 0, '', 0, 0, 0, 0, (string.gsub(found, '[\t\n]', ' ')) }
  end
  for _, field in ipairs(found) do fields[#fields + 1] = field end
end
return reply(1, table.concat(fields, '\t'))
