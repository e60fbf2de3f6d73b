-- unlock_repair: release the lock of one SKU's repair.
--
-- KEYS[1] {inv:p}:repair:<sku>   string  the owner's token, with an expiry
-- ARGV[1] token
--
-- Returns the outcome, by UnlockOutcome: 1 unlocked   -1 not owned, or expired
--
-- Invariants: only the lock's owner releases it.

local function reply(...) return table.concat({ ... }, '\t') end

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return reply(-1) end
redis.call('DEL', KEYS[1])
return reply(1)
