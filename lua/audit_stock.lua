-- audit_stock: what the counters of some SKUs say, beside what their holds add up to, in one step.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: stock:<sku>, due:<sku>, holds:<bucket>, leases.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] budget, holds, 1 or more   ARGV[4..] SKUs
--
-- Returns outcome, now_ms, the last event's id, ids in leases without a confirming hold, and
-- thirteen fields for each SKU until the budget is spent, at least one, by AuditOutcome:
--    1 looked   -9 fenced
-- The thirteen: 1 counted, 2 too many holds to count in one step, 0 no such SKU; total, reserved,
-- version, max_per_customer (0: none), paused; units pending; units confirming, -1: too many leases
-- to count; ids in due:<sku> without a pending hold; 1 when the SKU's place in due is too late;
-- newest created_ms; pending ids; the version that limit and pause are of.
--
-- Invariants: changes nothing, so that looking is always allowed; one look costs Redis no more than
-- the budget and as many leases.

if fenced() then return reply(-9) end
local budget = tonumber(ARGV[3])
assert(budget and budget >= 1, 'audit_stock: budget must be 1 or more')

local leased, dangling_leases = sum_leases(budget)
local fields = { clock_ms(), last_event(), table.concat(dangling_leases or {}, ',', 1,
  math.min(5, #(dangling_leases or {}))) }
local left = budget
for i = 4, #ARGV do
  local sku = ARGV[i]
  local stock = redis.call('HMGET', stock_key(sku),
    'total', 'reserved', 'version', 'max_per_customer', 'paused', 'limits_version')
  local holds = redis.call('ZCARD', due_key(sku))
  if holds > left and i > 4 and holds <= budget then break end
  local state, pending, dangling, newest_ms = stock[1] and 1 or 0, 0, {}, 0
  if not leased or holds > budget then
    state = 2
  else
    pending, dangling, newest_ms = sum_due(sku)
    left = left - holds
  end
  for _, field in ipairs({ state, stock[1] or 0, stock[2] or 0, stock[3] or 0, stock[4] or 0,
    stock[5] and 1 or 0, pending, leased and (leased[sku] or 0) or -1,
    table.concat(dangling, ',', 1, math.min(5, #dangling)), due_is_late(sku) and 1 or 0, newest_ms,
    holds, stock[6] or 0 }) do
    fields[#fields + 1] = field
  end
end
return reply(1, table.concat(fields, '\t'))
