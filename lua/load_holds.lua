-- load_holds: make holds complete: write those that are missing here, and the deadline, its SKU's
-- entry in due, the lease and the units that others lack.
-- include shared/holds.lua
-- include shared/rebuilding.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3] sku that is repaired, empty for a rebuild of the partition   ARGV[4] token of the repair
-- ARGV[5..] of each hold: id, sequence, created_ms, deadline_ms, holder, lines as sku:quantity,...
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many were written, were there, and have a SKU that is not here
--   -1 another repair or rebuild has taken over
--
-- Invariants: a hold gets its old deadline and sequence, whatever is available, since its units
-- were promised; a hold that has ended here with a later sequence is not written; one that can't be
-- read is written anew. A written hold reserves the units of all its lines. A hold that was there
-- has reserved them before, except those of a repaired SKU: clear_sku has set its counter to 0, so
-- these are added here. A lost lease ends now: the worker's next pass asks the system of record
-- what became of the hold.
-- By design: no events, since the system of record has them. Its work is bounded by the number of
-- holds that the caller passes.

if replaced() then return reply(-1) end
assert((#ARGV - 4) % 6 == 0, 'load_holds: six fields per hold')
local RESTORED, THERE, UNKNOWN = 1, 2, 3

local function complete(id, hold, known_ms)
  local filed_ms, lost = nil, false
  for _, line in ipairs(hold.lines) do
    local deadline_ms = hold.state == 'p' and deadline_of(line.sku, id, hold.deadline_ms)
    filed_ms = filed_ms or deadline_ms
    lost = lost or not deadline_ms
    if deadline_ms then redis.call('ZADD', KEYS[3], 'LT', deadline_ms, line.sku) end
  end
  if hold.state == 'p' and lost then
    hold.deadline_ms = filed_ms or math.max(hold.deadline_ms, known_ms)
    redis.call('HSET', holds_key(id), id, hold_text(hold))
    schedule(id, hold)
  elseif hold.state == 'c' then
    redis.call('ZADD', leases_key(), 'NX', clock_ms(), id)
    -- The script that pinned it may have failed before it removed them.
    for _, line in ipairs(hold.lines) do
      remove_deadlines(line.sku, { id }, { tonumber(hold.deadline_ms) })
    end
  end
  for _, line in ipairs(hold.lines) do
    local account, known = read_units(hold.holder, line.sku), 0
    for _, held in ipairs(account.holds) do
      if held.id == id then known = held.quantity end
    end
    if known ~= line.quantity then set_units(account, id, line.quantity) end
    if line.sku == repaired_sku then change_reserved(line.sku, line.quantity) end
  end
end

local function restore(id, hold)
  local readable, ended = try(load_ended, id)
  if readable and ended and ended.sequence > hold.sequence then return THERE end
  for _, line in ipairs(hold.lines) do
    if repaired_sku == '' and redis.call('EXISTS', stock_key(line.sku)) == 0 then return UNKNOWN end
  end
  if redis.call('ZSCORE', leases_key(), id) then hold.state = 'c' end
  place_hold(id, hold, nil, clock_ms())
  redis.call('DEL', ended_key(id))
  return RESTORED
end

local function load(id, sequence, created_ms, deadline_ms, holder, text)
  assert(#id == 22, 'load_holds: id must have 22 characters')
  local there, hold = try(parse_hold, read_of('-', 'HGET', holds_key(id), id) or '')
  if there and (hold.state == 'p' or hold.state == 'c') then
    complete(id, hold, deadline_ms)
    return THERE
  end
  local lines = {}
  for sku, quantity in string.gmatch(text, '([^:,]+):(%d+)') do
    lines[#lines + 1] = { sku = sku, quantity = tonumber(quantity) }
  end
  assert(#lines > 0, 'load_holds: a line or more')
  return restore(id, { state = 'p', sequence = sequence, created_ms = created_ms,
    deadline_ms = deadline_ms, holder = holder, lines = lines })
end

local counts = { 0, 0, 0 }
for i = 5, #ARGV, 6 do
  local came_to = load(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]),
    tonumber(ARGV[i + 3]), ARGV[i + 4], ARGV[i + 5])
  counts[came_to] = counts[came_to] + 1
end
return reply(1, unpack(counts))
