-- audit_units: whether the units of owners list holds that don't exist.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: units:<bucket>, holds:<bucket>, ended:<id>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3..] bucket and field of some entries; the caller bounds how many
--
-- Returns outcome and, for each entry that is wrong, bucket, field, the listed reservations that
-- don't hold its SKU, the SKU where that is known, and what can't be read, by AuditOutcome:
--    1 looked   -9 fenced
--
-- Invariants: changes nothing.
-- Not handled: the units bought. Redis has no second place that knows them.

if fenced() then return reply(-9) end

local fields = {}
for i = 3, #ARGV, 2 do
  local bucket, field = ARGV[i], ARGV[i + 1]
  local readable, units, orphans, sku = try(wrong_account, bucket, field)
  local found = {}
  if not readable then
    found = { bucket, field, '', '', (string.gsub(units, '[\t\n]', ' ')) }
  elseif units then
    found = { bucket, field, table.concat(orphans, ','), sku, '' }
  end
  for _, value in ipairs(found) do fields[#fields + 1] = value end
end
return reply(1, unpack(fields))
