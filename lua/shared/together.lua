-- together: what the scripts share that decide several requests in one call. Comes after
-- shared/holds.lua.

-- The failure of one request: the code that its caller would get alone, or ERR where the script has
-- a bug. It is a status reply, which no request's answer is otherwise, and not an error reply:
-- StackExchange.Redis 3.4 closes its connection, with all calls that are under way on it, when it
-- reads an error inside an array.
local function failure_of(what)
  local text = type(what) == 'table' and what.err or tostring(what)
  return { ok = string.match(text, '^%u+ ') and text or 'ERR ' .. text }
end

-- Decides requests one after the other, each as if it had come alone: a failure of one is its own
-- place in the reply. Redis doesn't roll back, so each reads all that may be unreadable before it
-- writes. `starts`: where in ARGV each begins.
local function decide_each(decide, starts)
  local answers = {}
  for i, start in ipairs(starts) do
    local decided, said = pcall(decide, start)
    answers[i] = decided and said or failure_of(said)
  end
  return answers
end
