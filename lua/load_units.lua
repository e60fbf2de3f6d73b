-- load_units: set the units of SKUs that owners have bought, for their limits.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3..] of each: owner, sku, units bought (0 or more)
--
-- Returns outcome and, by LoadOutcome: 1 loaded   how many were different
--
-- Invariants: holds stay as they are, and so does an entry that can't be read: its owner's requests
-- fail with an error that names it.
-- By design: no check of the fence. It runs while the partition is fenced.

assert((#ARGV - 2) % 3 == 0, 'load_units: three fields each')
local changed = 0
for i = 3, #ARGV, 3 do
  local bought = tonumber(ARGV[i + 2])
  assert(bought and bought >= 0, 'load_units: units must be 0 or more')
  local readable, units = try(read_units, ARGV[i], ARGV[i + 1])
  if readable and units.confirmed ~= bought then
    units.confirmed = bought
    write_units(units)
    changed = changed + 1
  end
end
return reply(1, changed)
