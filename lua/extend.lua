-- extend: give a pending hold more time, up to the longest lifetime.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch         KEYS[2] {inv:p}:events     KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:idem:<digest>
-- Derived, with the same tag: holds:<bucket>, ended:<id>, due:<sku>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace            ARGV[2] ended_retention_s  ARGV[3] fingerprint or empty
-- ARGV[4] idem_retention_s ARGV[5] id, or empty and   ARGV[6] holder, ARGV[7] sku
-- ARGV[8] add_ms, 1 or more                           ARGV[9] max_lifetime_ms
--
-- Returns outcome, now_ms and, by ExtendOutcome:
--    1 extended   -3 confirming   -4 lifetime capped   -2 ended:
--                 id, state, deadline_ms, holder, lines
--   -1 not found  -7 idempotency key reused with another request   -9 fenced
--
-- Invariants: a hold that is due has ended and can't be extended; a deadline only moves forward,
-- and never beyond created_ms + max_lifetime_ms.
-- By design: no write to `due`. Its score may be early, and the next expiry corrects it.

if fenced() then return reply(-9) end
local replayed = replay()
if replayed then return replayed end

local add_ms, max_lifetime_ms = tonumber(ARGV[8]), tonumber(ARGV[9])
assert(add_ms and add_ms >= 1, 'extend: add_ms must be 1 or more')
assert(max_lifetime_ms and max_lifetime_ms >= 1, 'extend: max_lifetime_ms must be 1 or more')

local now_ms = clock_ms()
local id = locate(ARGV[5], ARGV[6], ARGV[7])
if not id then return reply(-1, now_ms) end
local hold, waiting = load_current(id, now_ms)
if not hold then
  local ended = load_ended(id, waiting)
  if not ended then return reply(-1, now_ms) end
  return reply(-2, now_ms, hold_fields(id, ended))
end
if hold.state ~= 'p' then return reply(-3, now_ms, hold_fields(id, hold)) end
local deadline_ms = math.min(hold.deadline_ms + add_ms, tonumber(hold.created_ms) + max_lifetime_ms)
if deadline_ms <= hold.deadline_ms then return reply(-4, now_ms, hold_fields(id, hold)) end

assure_lines_open(hold)
for _, line in ipairs(hold.lines) do read_page(line.sku, deadline_ms) end
hold.deadline_ms, hold.sequence = deadline_ms, hold.sequence + 1
append_event('extended', id, hold)
redis.call('HSET', holds_key(id), id, hold_text(hold))
for _, line in ipairs(hold.lines) do
  remove_deadlines(line.sku, { id }, { hold.filed_ms })
  file_deadline(line.sku, id, deadline_ms)
end
return answer(1, now_ms, hold_fields(id, hold))
