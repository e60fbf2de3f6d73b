-- repair_hold: write the index entries that a hold of its state must have.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] a SKU's lock
-- Derived, with the same tag: holds:<bucket>, due:<sku>, leases, units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock     ARGV[4] id
-- ARGV[5] deadline_ms by the system of record, for a hold whose deadline is lost; 0: not known
--
-- Returns the outcome, by RepairHoldOutcome:
--    1 repaired   2 nothing to repair   -1 lock not owned   -2 no such hold
--   -4 its deadline is not known   -9 fenced
--
-- Invariants: the hold keeps its units, and no unit becomes available. A lost lease ends now: the
-- worker's next pass asks the system of record what became of the hold.

if fenced() then return reply(-9) end
local id, known_ms = ARGV[4], tonumber(ARGV[5])
assert(#id == 22, 'repair_hold: id must have 22 characters')
assert(known_ms, 'repair_hold: deadline_ms must be a number')
if not owns(KEYS[4], ARGV[3]) then return reply(-1) end
local hold = hold_of(id)
if not hold then return reply(-2) end

local missing, deadline_ms = false, known_ms
hold.filed_ms = hold.deadline_ms
for _, line in ipairs(hold.lines) do
  local filed_ms = hold.state == 'p' and deadline_of(line.sku, id, hold.filed_ms)
  deadline_ms = filed_ms or deadline_ms
  missing = missing or not filed_ms
end
if hold.state == 'p' and missing and deadline_ms == 0 then return reply(-4) end

local repaired = false
if hold.state == 'p' and missing then
  hold.deadline_ms, repaired = deadline_ms, true
  for _, line in ipairs(hold.lines) do remove_deadlines(line.sku, { id }, { hold.filed_ms }) end
  redis.call('HSET', holds_key(id), id, hold_text(hold))
  schedule(id, hold)
end
if hold.state == 'c' and not redis.call('ZSCORE', leases_key(), id) then
  redis.call('ZADD', leases_key(), clock_ms(), id)
  repaired = true
end
for _, line in ipairs(hold.lines) do
  local known, units = 0, read_units(hold.holder, line.sku)
  for _, held in ipairs(units.holds) do
    if held.id == id then known = held.quantity end
  end
  if known ~= line.quantity then
    set_units(units, id, line.quantity)
    repaired = true
  end
end
if repaired then return reply(1) end
return reply(2)
