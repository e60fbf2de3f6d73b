-- repair_bought: set the units of a SKU that an owner has bought to the sum of the owner's orders.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] the SKU's lock
-- Derived, with the same tag: units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock   ARGV[4] owner
-- ARGV[5] sku     ARGV[6] units that the audit read    ARGV[7] correct units, 0 or more
--
-- Returns the outcome, by RepairBoughtOutcome:
--    1 repaired   -1 lock not owned   -2 changed since the audit read it   -9 fenced
--
-- Invariants: only the count that was found wrong is replaced; holds stay as they are.

if fenced() then return reply(-9) end
local seen, right = tonumber(ARGV[6]), tonumber(ARGV[7])
assert(seen and right and right >= 0, 'repair_bought: units must be 0 or more')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end
local units = read_units(ARGV[4], ARGV[5])
if units.confirmed ~= seen then return reply(-2) end
units.confirmed = right
write_units(units)
return reply(1)
