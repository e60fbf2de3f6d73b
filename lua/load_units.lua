-- load_units: set the units of SKUs that owners have bought, for their limits.
-- include shared/holds.lua
-- include shared/rebuilding.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3] sku that is repaired, empty for a rebuild of the partition   ARGV[4] token of the repair
-- ARGV[5..] of each: owner, sku, units bought (0 or more)
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many were different   -1 another repair or rebuild has taken over
--
-- Invariants: holds in an account stay as they are; an account that can't be read is written anew.

if replaced() then return reply(-1) end
assert((#ARGV - 4) % 3 == 0, 'load_units: three fields each')
local changed = 0
for i = 5, #ARGV, 3 do
  local bought, units = tonumber(ARGV[i + 2]), read_units(ARGV[i], ARGV[i + 1])
  assert(bought and bought >= 0, 'load_units: units must be 0 or more')
  if units.confirmed ~= bought then
    units.confirmed = bought
    write_units(units)
    changed = changed + 1
  end
end
return reply(1, changed)
