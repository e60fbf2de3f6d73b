-- undo: take back one partition's part of a reservation that another partition refused.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch         KEYS[2] {inv:p}:events     KEYS[3] {inv:p}:due
-- KEYS[4] {inv:p}:idem:<digest>
-- Derived, with the same tag: holds:<bucket>, ended:<id>, due:<sku>, stock:<sku>, units:<bucket>.
-- ARGV[1] trace            ARGV[2] ended_retention_s  ARGV[3] fingerprint or empty
-- ARGV[4] id
--
-- Returns the outcome: 1 undone   -1 nothing to undo   -9 fenced
--
-- Invariants: nothing of the part stays stored, so that the same id and the same idempotency key
-- can try again; its event says that it was released.
-- By design: no effect on a part that is no longer pending: it ended by its own deadline.

if fenced() then return reply(-9) end
local id = ARGV[4]
assert(#id == 22, 'undo: id must have 22 characters')
local hold = load_hold(id)
local function forget_answer()
  if ARGV[3] ~= '' then redis.call('DEL', KEYS[4]) end
end
if not hold or hold.state ~= 'p' then
  forget_answer()
  return reply(-1)
end
-- The answer is forgotten after the end of the hold, which may be refused: its SKU may be closed.
end_hold(id, hold, 'r', 'released')
redis.call('DEL', ended_key(id))
forget_answer()
return reply(1)
