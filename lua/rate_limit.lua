-- rate_limit: charge one request to the budgets of its identities, and keep its session alive.
--
-- KEYS[1] {gateway}:session:<subject>  string: when the session began, in ms, or `ended`
-- KEYS[2..] {gateway}:<budget>:<identity>  string: pairs of part (double) and its count (u32)
-- ARGV[1] idle_ms, 0 without a session   ARGV[2] 1 when a missing session may begin, else 0
-- ARGV[3] how many of the budgets, the first ones, are the session's own
-- ARGV[4..] for each budget: permits, 1 or more; window_ms, 20 or more
--
-- Returns { outcome, session, tightest, remaining, reset_ms }; outcome being a RateLimitOutcome:
--    1 admitted   -1 refused
-- session, a SessionState: 0 none, 1 alive, -1 ended: its own budgets were not charged. tightest:
-- which budget has least left, counted from 1, or 0 when there is none. reset_ms: until more comes
-- back; when refused, until the same request can pass.
--
-- Invariants: no window of any length of window_ms, wherever it begins, holds more than `permits`
-- admitted requests; a refused request is charged to nobody.
-- Absent: counters in the append-only file and on replicas. They are worth a window, and a line for
-- each request would cost more than the decision. Sessions are written there.

local PARTS, PAIR = 20, 'dI4'

local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local session_key, idle_ms, may_begin = KEYS[1], tonumber(ARGV[1]), ARGV[2] == '1'
local own = tonumber(ARGV[3])

local session, began = 0, nil
if idle_ms > 0 then
  began = redis.call('GET', session_key)
  session = (began == 'ended' or not (began or may_begin)) and -1 or 1
end

-- A window is cut into parts, and a part counts until all of it lies outside the window: permits
-- come back up to a twentieth of the window late, and never early.
local function read(key, permits, window_ms)
  local part_ms = math.ceil(window_ms / PARTS)
  local part = math.floor(now_ms / part_ms)
  local stored = redis.call('GET', key) or ''
  local pairs_of = { struct.unpack(string.rep(PAIR, #stored / 12), stored) }
  local used, first, oldest = 0, #pairs_of, part
  for i = #pairs_of - 2, 1, -2 do
    if pairs_of[i] < part - PARTS then break end
    used, first, oldest = used + pairs_of[i + 1], i, pairs_of[i]
  end
  return {
    key = key, left = permits - used, part = part, ttl_ms = part_ms * (PARTS + 1),
    kept = string.sub(stored, (first - 1) / 2 * 12 + 1),
    reset_ms = (oldest + PARTS + 1) * part_ms - now_ms,
  }
end

local budgets, tightest, tightest_at, refused_ms = {}, nil, 0, 0
for i = (session == -1) and own + 1 or 1, #KEYS - 1 do
  local permits, window_ms = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  assert(permits and permits >= 1, 'rate_limit: permits must be 1 or more')
  assert(window_ms and window_ms >= PARTS, 'rate_limit: window_ms must be 20 or more')
  local budget = read(KEYS[i + 1], permits, window_ms)
  budgets[#budgets + 1] = budget
  if budget.left < 1 then refused_ms = math.max(refused_ms, budget.reset_ms) end
  if not tightest or budget.left < tightest.left then tightest, tightest_at = budget, i end
end

if session == 1 then
  if not began then
    redis.call('SET', session_key, string.format('%.0f', now_ms), 'PX', idle_ms)
  -- Once a minute is enough to slide, and spares the append-only file the rest.
  elseif redis.call('PTTL', session_key) < idle_ms - math.min(60000, idle_ms / 10) then
    redis.call('PEXPIRE', session_key, idle_ms)
  end
end
if refused_ms > 0 then return { -1, session, tightest_at, 0, refused_ms } end

redis.set_repl(redis.REPL_NONE)
for _, budget in ipairs(budgets) do
  local last, count = nil, 0
  if #budget.kept > 0 then last, count = struct.unpack(PAIR, budget.kept, #budget.kept - 11) end
  local before = last == budget.part and string.sub(budget.kept, 1, -13) or budget.kept
  count = (last == budget.part) and count + 1 or 1
  local counts = before .. struct.pack(PAIR, budget.part, count)
  redis.call('SET', budget.key, counts, 'PX', budget.ttl_ms)
end
if not tightest then return { 1, session, 0, 0, 0 } end
return { 1, session, tightest_at, tightest.left - 1, tightest.reset_ms }
