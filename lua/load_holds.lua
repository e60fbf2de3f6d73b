-- load_holds: bring back holds that the system of record knows as pending and that are not here.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, due:<sku>, ended:<id>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3..] of each hold: id, sequence, created_ms, deadline_ms, holder, lines as sku:quantity,...
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many came back, how many were there, and how many have a SKU that is not here
--
-- Invariants: a hold comes back with its deadline and sequence, whatever is available, since its
-- units were promised; one that has ended here is not brought back by an older memory.
-- Absent: the fence, which is down; and events: the system of record has them.

assert((#ARGV - 2) % 6 == 0, 'load_holds: six fields per hold')
local restored, there, unknown = 0, 0, 0
for i = 3, #ARGV, 6 do
  local id, lines, known = ARGV[i], {}, true
  assert(#id == 22, 'load_holds: id must have 22 characters')
  for sku, quantity in string.gmatch(ARGV[i + 5], '([^:,]+):(%d+)') do
    lines[#lines + 1] = { sku = sku, quantity = tonumber(quantity) }
    known = known and redis.call('EXISTS', stock_key(sku)) == 1
  end
  assert(#lines > 0, 'load_holds: a line or more')
  local ended = load_ended(id)
  if redis.call('HEXISTS', holds_key(id), id) == 1
    or (ended and ended.sequence > tonumber(ARGV[i + 1])) then
    there = there + 1
  elseif not known then
    unknown = unknown + 1
  else
    redis.call('DEL', ended_key(id))
    place_hold(id, { state = 'p', sequence = tonumber(ARGV[i + 1]),
      created_ms = tonumber(ARGV[i + 2]), deadline_ms = tonumber(ARGV[i + 3]),
      holder = ARGV[i + 4], lines = lines })
    restored = restored + 1
  end
end
return reply(1, restored, there, unknown)
