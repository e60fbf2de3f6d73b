-- together: what the scripts share that decide several requests in one call. Comes after
-- shared/holds.lua.

-- An error of one request, as its caller would get it alone: a code, or ERR where it is a bug's.
local function error_of(what)
  local text = type(what) == 'table' and what.err or tostring(what)
  return { err = string.match(text, '^%u+ ') and text or 'ERR ' .. text }
end

-- Decides requests one after the other, each as if it had come alone: an error of one is its own
-- place in the reply. Redis doesn't roll back, so each reads all that may be unreadable before it
-- writes. `starts`: where in ARGV each begins.
local function decide_each(decide, starts)
  local answers = {}
  for i, start in ipairs(starts) do
    local decided, said = pcall(decide, start)
    answers[i] = decided and said or error_of(said)
  end
  return answers
end
