-- audit_units: whether the units of owners list holds that don't exist.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due   KEYS[4] a repair's lock
-- Derived, with the same tag: units:<bucket>, holds:<bucket>, ended:<id>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] token of the lock, or empty to change nothing
-- ARGV[4..] bucket and field of some entries; the caller bounds how many
--
-- Returns outcome and, for each entry that is wrong, bucket, field, the listed reservations that
-- don't hold its SKU, the SKU where that is known, and what can't be read, in which case nothing is
-- repaired, by AuditUnitsOutcome:
--    1 looked   2 repaired   -1 lock not owned   -9 fenced
--
-- Invariants: without a token nothing changes; with one, only what is wrong now is removed.
-- Not handled: the units bought. Redis has no second place that knows them.

if fenced() then return reply(-9) end
local token = ARGV[3]
if token ~= '' and not owns(KEYS[4], token) then return reply(-1) end

local fields = {}
local function digest_names(digest, hold)
  for _, line in ipairs(hold.lines) do
    if redis.sha1hex(owner_of(hold.holder) .. '\t' .. line.sku):sub(1, 25) == digest then
      return line.sku
    end
  end
  return nil
end

-- The fields of the reply for one entry; nil where nothing is wrong.
local function wrong_of(bucket, field)
  local key = prefix .. 'units:' .. bucket
  local text = read_of('-', 'HGET', key, field)
  if not text then return nil end
  local bought = count_of('-', 'what a customer has bought', string.match(text, '^%S*'))
  local units = { key = key, field = field, holds = {}, confirmed = bought }
  local orphans, sku = {}, ''
  for id, quantity in string.gmatch(text, ' (%S+) (%d+)') do
    local there = hold_of(id)
    if there and digest_names(bucket .. field, there) then
      units.holds[#units.holds + 1] = { id = id, quantity = tonumber(quantity) }
    else
      local ended = there or load_ended(id)
      orphans[#orphans + 1] = id
      sku = ended and digest_names(bucket .. field, ended) or sku
    end
  end
  if #orphans == 0 then return nil end
  if token ~= '' then write_units(units) end
  return { bucket, field, table.concat(orphans, ','), sku, '' }
end

for i = 4, #ARGV, 2 do
  local readable, found = try(wrong_of, ARGV[i], ARGV[i + 1])
  if not readable then
    found = { ARGV[i], ARGV[i + 1], '', '', (string.gsub(found, '[\t\n]', ' ')) }
  end
  for _, value in ipairs(found or {}) do fields[#fields + 1] = value end
end
if token ~= '' then return reply(2, unpack(fields)) end
return reply(1, unpack(fields))
