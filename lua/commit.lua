-- commit: a hold has become an order in the system of record; its units leave the stock for good.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] id
-- ARGV[4..] sku, total, version of each line, as the system of record returned them
--
-- Returns outcome, now_ms and, by CommitOutcome:
--    1 committed   2 committed before   -2 ended another way: id, state, deadline_ms, holder, lines
--   -1 not found   -9 fenced
--
-- Invariants: the order is the truth, so a hold is committed whether or not it is still pinned; the
-- totals are taken over even where the hold is gone; a version never goes back; what was bought
-- counts towards the holder's limit from the same step on.

if fenced() then return reply(-9) end
local id = ARGV[3]
assert(#id == 22, 'commit: id must have 22 characters')
assert(#ARGV % 3 == 0, 'commit: a total and a version for each SKU')

local now_ms = clock_ms()
for i = 4, #ARGV, 3 do
  local total, version = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  assert(total and version, 'commit: total and version must be numbers')
  local known = tonumber(redis.call('HGET', stock_key(ARGV[i]), 'version'))
  if known and known < version then
    redis.call('HSET', stock_key(ARGV[i]), 'total', ARGV[i + 1], 'version', ARGV[i + 2])
  end
end

local hold = load_hold(id)
if not hold then
  local ended = load_ended(id)
  if not ended then return reply(-1, now_ms) end
  if ended.state == 'f' then return reply(2, now_ms, hold_fields(id, ended)) end
  return reply(-2, now_ms, hold_fields(id, ended))
end
end_hold(id, hold, 'f', 'confirmed')
for _, line in ipairs(hold.lines) do
  local units = read_units(hold.holder, line.sku)
  units.confirmed = units.confirmed + line.quantity
  write_units(units)
end
return reply(1, now_ms, hold_fields(id, hold))
