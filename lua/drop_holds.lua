-- drop_holds: remove holds of older data, of which the system of record has a later state.
-- include shared/holds.lua
-- include shared/rebuilding.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s
-- ARGV[3] sku that is repaired, empty for a rebuild of the partition   ARGV[4] token of the repair
-- ARGV[5..] of each hold: id, sequence that the system of record has, and how it ended: r released,
-- e expired, f confirmed, o became an order without an event, p not ended: load_holds follows
--
-- Returns outcome and, by LoadOutcome:
--    1 loaded   how many were removed   -1 another repair or rebuild has taken over
--
-- Invariants: the units of removed holds become available; how a hold ended is stored as if it had
-- ended here. No end is a new event, except that of an order with a lost event. A confirming hold
-- that hasn't ended keeps its lease, so that load_holds writes it as confirming. A repair returns
-- no units of other SKUs for a hold that hasn't ended: its text may have been changed by hand, so
-- that their counters never had these units. They are too high then, until the audit repairs them
-- too.
-- By design: no values that can't be read; drop_strays removes them. Its work is bounded by the
-- number of holds that the caller passes.

if replaced() then return reply(-1) end
assert((#ARGV - 4) % 3 == 0, 'drop_holds: three fields per hold')
local function drop(id, sequence, state)
  local hold = load_hold(id)
  if not hold then return 0 end
  hold.sequence = math.max(hold.sequence, sequence)
  if state == 'o' then
    hold.is_bought = true
    end_hold(id, hold, 'f', 'confirmed')
  else
    for _, line in ipairs(hold.lines) do
      if state == 'p' and repaired_sku ~= '' and line.sku ~= repaired_sku then line.quantity = 0 end
    end
    local lease_until_ms = state == 'p' and redis.call('ZSCORE', leases_key(), id)
    remove_hold(id, hold)
    if lease_until_ms then redis.call('ZADD', leases_key(), lease_until_ms, id) end
    if state ~= 'p' then
      hold.state, hold.sequence = state, sequence
      redis.call('SET', ended_key(id), hold_text(hold), 'EX', ended_retention_s)
    end
  end
  return 1
end

local removed = 0
for i = 5, #ARGV, 3 do removed = removed + drop(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]) end
return reply(1, removed)
