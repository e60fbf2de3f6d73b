-- drop_strays: remove what belongs to no hold: leases, values among the holds, and holds in the
-- accounts of owners.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: leases, holds:<bucket>, units:<bucket>, ended:<id>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3..] of each: leases, holds or units; its bucket; its id or field. A bucket of holds without
--   a field is a key of another type. The caller bounds how many.
--
-- Returns outcome and, by StrayOutcome: 1 done   how many were removed
--
-- Invariants: what belongs to a hold stays, whatever the caller has read before: each is looked at
-- again in the step that removes it. No counter changes.
-- By design: no fence. What belongs to no hold belongs to no SKU, so there is none to close. An
-- account that can't be read stays: its field is a digest, which doesn't tell its owner.

assert((#ARGV - 2) % 3 == 0, 'drop_strays: three fields each')

local function drop_lease(_, id)
  local readable, hold = try(hold_of, id)
  if not readable or (hold and hold.state == 'c') then return 0 end
  return redis.call('ZREM', leases_key(), id)
end

local function drop_value(bucket, field)
  local key = prefix .. 'holds:' .. bucket
  if field == '' then
    if redis.call('TYPE', key).ok == 'hash' then return 0 end
    return redis.call('UNLINK', key)
  end
  local text = redis.call('HGET', key, field)
  local readable, hold = try(parse_hold, text or '')
  local is_active = readable and (hold.state == 'p' or hold.state == 'c')
  if is_active and #field == 22 and holds_key(field) == key then return 0 end
  if holds_key(field) == key then redis.call('ZREM', leases_key(), field) end
  return redis.call('HDEL', key, field)
end

local function drop_listed(bucket, field)
  local readable, units, orphans = try(wrong_account, bucket, field)
  if not readable or not units then return 0 end
  write_units(units)
  return #orphans
end

local kinds = { leases = drop_lease, holds = drop_value, units = drop_listed }
local removed = 0
for i = 3, #ARGV, 3 do removed = removed + kinds[ARGV[i]](ARGV[i + 1], ARGV[i + 2]) end
return reply(1, removed)
