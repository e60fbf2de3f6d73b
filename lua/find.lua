-- find: one reservation as it is now.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, ended:<id>, units:<bucket>; due:<sku> and stock:<sku>
-- when the hold is due.
-- ARGV[1] trace            ARGV[2] ended_retention_s
-- ARGV[3] id, or empty and ARGV[4] holder, ARGV[5] sku
--
-- Returns outcome, now_ms, id, state, deadline_ms, holder, lines, by FindOutcome:
--    1 active   2 ended   -1 not found   -9 fenced
--
-- Invariants: a pending hold past its deadline is never returned as active: it expires.

if fenced() then return reply(-9) end
local now_ms, id = clock_ms(), locate(ARGV[3], ARGV[4], ARGV[5])
if not id then return reply(-1, now_ms) end
assert(#id == 22, 'find: id must have 22 characters')
local hold, waiting = load_current(id, now_ms)
if hold then return reply(1, now_ms, hold_fields(id, hold)) end
local ended = load_ended(id, waiting)
if ended then return reply(2, now_ms, hold_fields(id, ended)) end
return reply(-1, now_ms)
