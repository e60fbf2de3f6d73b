-- clear_sku: forget the deadlines and the counter of a SKU under repair, before load_holds writes
-- them again, hold by hold.
-- include shared/holds.lua
-- include shared/rebuilding.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: stock:<sku>, due:<sku>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] sku   ARGV[4] token of the repair
--
-- Returns the outcome, by LoadOutcome: 1 loaded   -1 another repair or rebuild has taken over
--
-- Invariants: the SKU stays closed until every hold has been loaded, so no unit becomes available
-- by it. Its work is one UNLINK for each page of 128 deadlines.

if replaced() then return reply(-1) end
for _, start in ipairs(read_of(repaired_sku, 'ZRANGE', pages_key(repaired_sku), 0, -1)) do
  redis.call('UNLINK', page_key(repaired_sku, start))
end
redis.call('UNLINK', due_key(repaired_sku), pages_key(repaired_sku))
redis.call('ZREM', KEYS[3], repaired_sku)
redis.call('HSET', stock_key(repaired_sku), 'reserved', 0)
return reply(1)
