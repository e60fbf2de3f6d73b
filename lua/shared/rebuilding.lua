-- rebuilding: for the scripts that a rebuild of a partition and the repair of one SKU share.
-- Included after shared/holds.lua.
--
-- ARGV[3] sku that is repaired, empty for a rebuild of the partition   ARGV[4] token of the repair
--
-- A rebuild works behind the fence of its partition, which nothing passes. A repair works behind
-- the fence of its SKU, while other SKUs are sold: each step checks that this fence is still its
-- own. The lines of a hold that are about other SKUs are written in the same step as the hold, so
-- the counters of those SKUs agree with their holds before and after it.

rebuilds = true
local repaired_sku = ARGV[3]

local function replaced()
  if repaired_sku == '' then return false end
  return fenced() or redis.call('HGET', stock_key(repaired_sku), 'fenced') ~= ARGV[4]
end
