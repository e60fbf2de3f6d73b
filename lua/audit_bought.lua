-- audit_bought: the units of SKUs that owners have bought, as their limits count, and their holds.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3..] owner and sku; the caller bounds how many
--
-- Returns outcome and two fields for each, by AuditOutcome:
--    1 looked   -9 fenced
-- The two: units bought, ? where that can't be read; ids of the holds that count in addition.
--
-- Invariants: changes nothing.

if fenced() then return reply(-9) end
local fields = {}
for i = 3, #ARGV, 2 do
  local readable, units = try(read_units, ARGV[i], ARGV[i + 1])
  local ids = {}
  for j, hold in ipairs(readable and units.holds or {}) do ids[j] = hold.id end
  fields[#fields + 1] = readable and units.confirmed or '?'
  fields[#fields + 1] = table.concat(ids, ',')
end
return reply(1, unpack(fields))
