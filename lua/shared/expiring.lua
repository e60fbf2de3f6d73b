-- expiring: gives due holds back, several in one step. Comes after shared/holds.lua.
--
-- Laws: each hold is given back whole or not at all, in whatever company; `reserved` and deadlines
-- of the SKUs are true again when give_back_due returns, or fails.

-- A deadline whose hold is gone, by somebody's hand or a rebuild's, is nobody's, and goes too.
local function give_back(sku, id, deadline_ms, leaving)
  local hold = load_hold(id, sku, deadline_ms)
  if hold then
    end_hold(id, hold, 'e', 'expired', leaving)
  else
    redis.call('ZREM', due_key(sku), id)
  end
  return hold
end

-- What can't be read stays where it is, and is in nobody's way. `due`: ids, each with its deadline.
local function give_back_each(sku, due, budget, leaving)
  local spent, left, deadlines = 0, 0, {}
  for i = 1, #due, 2 do
    if spent >= budget then break end
    local done, hold = try(give_back, sku, due[i], due[i + 1], leaving)
    if done and not hold then
      spent = spent + 1
    elseif done then
      spent = spent + #hold.lines
      deadlines[#deadlines + 1] = hold.deadline_ms
    else
      left = left + 1
    end
  end
  return spent, left, deadlines
end

-- Gives due holds of one SKU back, the earliest first, until `budget` lines are spent.
-- Returns the lines spent, whether more are due, and deadlines of what was given back.
local function give_back_due(sku, now_ms, budget)
  local due = read_of(sku, 'ZRANGEBYSCORE', due_key(sku), '-inf', now_ms, 'WITHSCORES',
    'LIMIT', 0, budget)
  if #due == 0 or expiry_waits(now_ms) then return 0, false, {} end
  local leaving = {}
  local done, spent, left, deadlines = pcall(give_back_each, sku, due, budget, leaving)
  settle(leaving)
  if not done then error(spent) end
  local more = spent > 0 and redis.call('ZCOUNT', due_key(sku), '-inf', now_ms) > left
  return spent, more, deadlines
end
