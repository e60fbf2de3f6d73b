-- together: shared by the scripts that decide several requests in one call. Included after
-- shared/holds.lua.

-- The failure of one request: the code that the request would get alone, or ERR if the script has a
-- bug. It is a status reply, which no other answer is. It isn't an error reply, because
-- StackExchange.Redis 3.4 closes its connection, with all calls that are under way on it, when it
-- reads an error inside an array.
local function failure_of(what)
  local text = type(what) == 'table' and what.err or tostring(what)
  return { ok = string.match(text, '^%u+ ') and text or 'ERR ' .. text }
end

-- Decides requests one after the other, each as if it had come alone: a request that fails has its
-- failure in its place of the reply. Redis doesn't roll back, so each request reads everything that
-- may be unreadable before it writes. `starts`: where in ARGV each request begins.
local function decide_each(decide, starts)
  local answers = {}
  for i, start in ipairs(starts) do
    local decided, said = pcall(decide, start)
    answers[i] = decided and said or failure_of(said)
  end
  return answers
end
