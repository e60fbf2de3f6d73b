-- expire: expire holds past their deadline, in a bounded batch.
-- include shared/holds.lua
-- include shared/expiring.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: due:<sku>, holds:<bucket>, ended:<id>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] batch, lines, 1 or more
--
-- Returns outcome, now_ms and the deadline_ms of each expired hold, by ExpireOutcome:
--    1 drained: no readable hold is due    2 the batch was full: call again    -9 fenced
--    3 waiting: due holds wait for the payments of an outage
--
-- Invariants: no hold ends before its deadline; a hold never expires twice, since each call is one
-- step; every call with outcome 2 makes progress.

if fenced() then return reply(-9) end
local budget = tonumber(ARGV[3])
assert(budget and budget >= 1, 'expire: batch must be 1 or more')

local now_ms = clock_ms()
local fields = { now_ms }
-- A SKU costs at least 1 of the budget, even when its score was early and none of its holds is due.
local skus = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_ms, 'LIMIT', 0, budget)
if #skus > 0 and expiry_waits(now_ms) then return reply(3, now_ms) end
local function expire_sku(sku)
  local spent, _, deadlines = expire_due(sku, now_ms, budget)
  budget = budget - math.max(1, spent)
  for _, deadline_ms in ipairs(deadlines) do fields[#fields + 1] = deadline_ms end
  local earliest_ms = earliest_deadline(sku)
  if earliest_ms then
    redis.call('ZADD', KEYS[3], earliest_ms, sku)
  else
    redis.call('ZREM', KEYS[3], sku)
  end
  return earliest_ms and earliest_ms <= now_ms and spent == 0
end

-- A SKU that is closed or can't be read stays due until it is repaired, and delays no other SKU.
local stuck = 0
for _, sku in ipairs(skus) do
  if budget < 1 then break end
  local done, kept = try(expire_sku, sku)
  if not done then budget = budget - 1 end
  if kept or not done then stuck = stuck + 1 end
end
if stuck == #skus or redis.call('ZCOUNT', KEYS[3], '-inf', now_ms) <= stuck then
  return reply(1, table.concat(fields, '\t'))
end
return reply(2, table.concat(fields, '\t'))
