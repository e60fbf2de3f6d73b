-- commit: apply orders that the system of record has: their holds end, and their units leave the
-- stock. Decides the requests of a batch one after the other, each as if it had come alone.
-- include shared/holds.lua
-- include shared/together.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] empty            ARGV[2] ended_retention_s
-- ARGV[3..] of each request: number of SKUs, trace, id, then sku, total, version of each line, as
--   the system of record returned them
--
-- Returns fenced, or for each request in their order an error or its outcome, now_ms and, by
-- CommitOutcome:
--    1 committed   2 committed before   -2 ended another way: id, state, deadline_ms, holder, lines
--   -1 not found   -9 fenced
--
-- Invariants: the order decides, so a hold is committed whether or not it is still pinned; the
-- totals are applied even where the hold is gone; a version never goes back; the units bought count
-- towards the owner's limit from the same step on; the outcome of a request, even an error, doesn't
-- affect the next one.

if fenced() then return reply(-9) end
local BEFORE_TOTALS, EACH = 3, 3

local now_ms = clock_ms()
-- Orders of one transaction have the same total and version: the first one applies them.
local known_version = {}

local function take_over(sku, total, version)
  local known = known_version[sku] or tonumber(read_of(sku, 'HGET', stock_key(sku), 'version'))
  known_version[sku] = known
  if known and known < tonumber(version) then
    redis.call('HSET', stock_key(sku), 'total', total, 'version', version)
    known_version[sku] = tonumber(version)
  end
end

local function decide(at)
  trace = ARGV[at + 1]
  local id, first = ARGV[at + 2], at + BEFORE_TOTALS
  assert(#id == 22, 'commit: id must have 22 characters')
  for place = first, first + EACH * (tonumber(ARGV[at]) - 1), EACH do
    assert(tonumber(ARGV[place + 1]) and tonumber(ARGV[place + 2]),
      'commit: total and version must be numbers')
    take_over(ARGV[place], ARGV[place + 1], ARGV[place + 2])
  end

  local hold = load_hold(id)
  if not hold then
    local ended = load_ended(id)
    if not ended then return reply(-1, now_ms) end
    if ended.state == 'f' then return reply(2, now_ms, hold_fields(id, ended)) end
    return reply(-2, now_ms, hold_fields(id, ended))
  end
  hold.is_bought = true
  end_hold(id, hold, 'f', 'confirmed')
  return reply(1, now_ms, hold_fields(id, hold))
end

local starts, at = {}, 3
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  assert(count and count >= 1, 'commit: a SKU or more')
  starts[#starts + 1] = at
  at = at + BEFORE_TOTALS + EACH * count
end
assert(at == #ARGV + 1 and #starts > 0, 'commit: a total and a version for each SKU')
return decide_each(decide, starts)
