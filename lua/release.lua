-- release: end a pending hold before its deadline, because its holder gives it up.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch         KEYS[2] {inv:p}:events     KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:idem:<digest>
-- Derived, with the same tag: holds:<bucket>, ended:<id>, due:<sku>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace            ARGV[2] ended_retention_s  ARGV[3] fingerprint or empty
-- ARGV[4] idem_retention_s ARGV[5] id, or empty and   ARGV[6] holder, ARGV[7] sku
--
-- Returns outcome, now_ms and, by ReleaseOutcome:
--    1 released   2 already released   -2 ended another way   -3 confirming:
--                 id, state, deadline_ms, holder, lines
--   -1 not found  -7 idempotency key reused with another request   -9 fenced
--
-- Invariants: units become available once, however often this is called; a hold that is due has
-- expired and can't be released.

if fenced() then return reply(-9) end
local replayed = replay()
if replayed then return replayed end

local now_ms = clock_ms()
local id = locate(ARGV[5], ARGV[6], ARGV[7])
if not id then return reply(-1, now_ms) end
local hold, waiting = load_current(id, now_ms)
if not hold then
  local ended = load_ended(id, waiting)
  if not ended then return reply(-1, now_ms) end
  if ended.state == 'r' then return affirm(2, now_ms, hold_fields(id, ended)) end
  return reply(-2, now_ms, hold_fields(id, ended))
end
if hold.state ~= 'p' then return reply(-3, now_ms, hold_fields(id, hold)) end

end_hold(id, hold, 'r', 'released')
return answer(1, now_ms, hold_fields(id, hold))
