-- load_holds: write holds that are pending in the system of record and missing here.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, due:<sku>, ended:<id>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3..] of each hold: id, sequence, created_ms, deadline_ms, holder, lines as sku:quantity,...
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many were written, how many were there, how many have a SKU that is not here,
--               and how many can't be written because what is in their place can't be read
--
-- Invariants: a hold gets its old deadline and sequence, whatever is available, since its units
-- were promised; a hold that has ended here with a later sequence is not written. The units of a
-- hold that can't be written are reserved all the same, so that they aren't sold twice.
-- By design: no check of the fence, since it runs while the partition is fenced; no events, since
-- the system of record has them.

assert((#ARGV - 2) % 6 == 0, 'load_holds: six fields per hold')
local RESTORED, THERE, UNKNOWN, UNREADABLE = 1, 2, 3, 4

local function bring_back(id, sequence, created_ms, deadline_ms, holder, text)
  assert(#id == 22, 'load_holds: id must have 22 characters')
  if redis.call('HEXISTS', holds_key(id), id) == 1 then return THERE end
  local readable, ended = try(load_ended, id)
  if readable and ended and ended.sequence > sequence then return THERE end
  local lines = {}
  for sku, quantity in string.gmatch(text, '([^:,]+):(%d+)') do
    lines[#lines + 1] = { sku = sku, quantity = tonumber(quantity) }
    if redis.call('EXISTS', stock_key(sku)) == 0 then return UNKNOWN end
  end
  assert(#lines > 0, 'load_holds: a line or more')
  local placed = try(place_hold, id, { state = 'p', sequence = sequence, created_ms = created_ms,
    deadline_ms = deadline_ms, holder = holder, lines = lines })
  if not placed then
    for _, line in ipairs(lines) do
      redis.pcall('HINCRBY', stock_key(line.sku), 'reserved', line.quantity)
    end
    return UNREADABLE
  end
  redis.call('DEL', ended_key(id))
  return RESTORED
end

local counts = { 0, 0, 0, 0 }
for i = 3, #ARGV, 6 do
  local came_to = bring_back(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]),
    tonumber(ARGV[i + 3]), ARGV[i + 4], ARGV[i + 5])
  counts[came_to] = counts[came_to] + 1
end
return reply(1, unpack(counts))
