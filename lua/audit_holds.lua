-- audit_holds: whether holds have all index entries that a hold of their state must have.
-- include shared/holds.lua
-- include shared/sums.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, due:<sku>, leases, units:<bucket>, ended:<id>,
-- stock:<sku>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3..] ids; the caller bounds how many
--
-- Returns outcome, now_ms, the last event's id, and six fields for each id, by AuditOutcome:
--    1 looked   -9 fenced
-- The six: state, - for a reservation that isn't known at all, ? for one that can't be read (its
-- faults say what); sequence; deadline_ms of its page, else of its text; holder; lines; faults:
-- due, lease, units:<sku>, separated by commas.
--
-- Invariants: changes nothing; no due hold expires.

if fenced() then return reply(-9) end
local fields = { clock_ms(), last_event() }

-- The repair of a SKU clears its deadlines before it writes them again.
local function is_closed(sku)
  return type(redis.pcall('HGET', stock_key(sku), 'fenced')) == 'string'
end

local function faults_of(id, hold)
  local faults, filed_ms = {}, hold.state == 'p' and hold.deadline_ms
  for _, line in ipairs(hold.lines) do
    local deadline_ms = filed_ms and deadline_of(line.sku, id, filed_ms)
    if filed_ms and not deadline_ms and not is_closed(line.sku) then faults[#faults + 1] = 'due' end
    hold.deadline_ms = deadline_ms or hold.deadline_ms
    local known = 0
    for _, held in ipairs(read_units(hold.holder, line.sku).holds) do
      if held.id == id then known = held.quantity end
    end
    if known ~= line.quantity then faults[#faults + 1] = 'units:' .. line.sku end
  end
  if hold.state == 'c' and not redis.call('ZSCORE', leases_key(), id) then
    faults[#faults + 1] = 'lease'
  end
  return table.concat(faults, ',')
end

local function look_at(id)
  local active = hold_of(id)
  local hold = active or load_ended(id)
  if not hold then return { '-', 0, 0, '', '', '' } end
  local faults = active and faults_of(id, hold) or ''
  return { hold.state, hold.sequence, hold.deadline_ms, hold.holder, lines_text(hold.lines),
    faults }
end

for i = 3, #ARGV do
  local id = ARGV[i]
  assert(#id == 22, 'audit_holds: id must have 22 characters')
  local readable, found = try(look_at, id)
  if not readable then found = { '?', 0, 0, '', '', (string.gsub(found, '[\t\n]', ' ')) } end
  for _, field in ipairs(found) do fields[#fields + 1] = field end
end
return reply(1, table.concat(fields, '\t'))
