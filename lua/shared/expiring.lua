-- expiring: expires due holds, several in one step. Included after shared/holds.lua.
--
-- Invariants: each hold expires completely or not at all, whichever holds expire with it;
-- `reserved` and the deadlines of the SKUs are correct again when expire_due returns or fails.

-- A deadline without its hold (removed by hand or by a rebuild) is an orphan and is removed too.
local function expire_one(sku, page, id, deadline_ms, leaving)
  local hold = load_hold(id, sku, deadline_ms)
  if hold then
    end_hold(id, hold, 'e', 'expired', leaving)
  else
    remove_from(sku, page, { id })
  end
  return hold
end

-- A hold that can't be read stays in place and blocks no other hold; `progress.left` counts it.
local function expire_page(sku, page, due, budget, progress)
  for i = 1, #due, 2 do
    if progress.spent >= budget then break end
    local done, hold = try(expire_one, sku, page, due[i], due[i + 1], progress.leaving)
    if done and not hold then
      progress.spent = progress.spent + 1
    elseif done then
      progress.spent = progress.spent + #hold.lines
      progress.deadlines[#progress.deadlines + 1] = hold.deadline_ms
    else
      progress.left = progress.left + 1
    end
  end
end

-- Ids, each with its deadline.
local function due_of(sku, page, now_ms, budget)
  return read_of(sku, 'ZRANGEBYSCORE', page.key, '-inf', now_ms, 'WITHSCORES', 'LIMIT', 0, budget)
end

local function expire_pages(sku, page, due, now_ms, budget, progress)
  repeat
    -- A page that was emptied by hand is removed.
    if #due == 0 and page.start then remove_from(sku, page, {}) end
    expire_page(sku, page, due, budget, progress)
    page = progress.spent < budget and due_page_after(sku, page, now_ms)
    due = page and due_of(sku, page, now_ms, budget - progress.spent)
  until not page
end

-- Whether more holds are due than the `left` ones that can't be read.
local function has_more_due(sku, now_ms, left)
  local page, count = page_at(sku), 0
  repeat
    count = count + redis.call('ZCOUNT', page.key, '-inf', now_ms)
    page = due_page_after(sku, page, now_ms)
  until count > left or not page
  return count > left
end

-- Expires due holds of one SKU, the earliest first, until `budget` lines are spent.
-- Returns the lines spent, whether more holds are due, and the deadlines of the expired holds.
local function expire_due(sku, now_ms, budget)
  local page = page_at(sku)
  local due = due_of(sku, page, now_ms, budget)
  if #due == 0 then
    page = due_page_after(sku, page, now_ms)
    if not page then return 0, false, {} end
    due = due_of(sku, page, now_ms, budget)
  end
  if expiry_waits(now_ms) then return 0, false, {} end
  local progress = { spent = 0, left = 0, deadlines = {}, leaving = {} }
  local done, failure = pcall(expire_pages, sku, page, due, now_ms, budget, progress)
  settle(progress.leaving)
  if not done then error(failure) end
  local more = progress.spent > 0 and has_more_due(sku, now_ms, progress.left)
  return progress.spent, more, progress.deadlines
end
