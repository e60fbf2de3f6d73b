-- snapshot: the stock of one SKU at this moment.
-- include shared/holds.lua
-- include shared/expiring.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:stock:<sku>
-- Derived, with the same tag: due:<sku>; holds:<bucket>, ended:<id>, units:<bucket> of due holds.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] reclaim_batch, lines, 1 or more
-- ARGV[4] sku
--
-- Returns outcome, now_ms, total, reserved, version, max_per_customer (0: none), paused (0 or 1),
-- pending holds, by SnapshotOutcome:
--    1 found   -2 unknown sku   -9 fenced   -10 more holds are due: call again
--
-- Invariants: `reserved` contains no hold past its deadline, except those that wait for the
-- payments of an outage.

if fenced() then return reply(-9) end
local budget, sku = tonumber(ARGV[3]), ARGV[4]
assert(budget and budget >= 1, 'snapshot: reclaim_batch must be 1 or more')
assert(KEYS[4] == stock_key(sku), 'snapshot: the key of this SKU')
local now_ms = clock_ms()
local _, more_due = expire_due(sku, now_ms, budget)
if more_due then return reply(-10) end
local stock = stock_of(sku)
if not stock then return reply(-2, now_ms) end
return reply(1, now_ms, stock.total, stock.reserved, stock.version, stock.limit or 0,
  stock.paused and 1 or 0,
  count_deadlines(sku))
