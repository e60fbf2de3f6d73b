-- rate_limit: charge requests to the budgets of their identities, and keep their sessions alive.
-- The requests of a batch are decided one after the other, each as if it had come alone.
--
-- KEYS of each request: {gateway}:session:<subject>  string: when the session began, in ms, or
--   `ended`; then {gateway}:<budget>:<identity>  string: pairs of part (double) and its count (u32)
-- ARGV of each request: how many budgets; idle_ms, 0 without a session; 1 when a missing session
--   may begin, else 0; then for each budget permits, 1 or more, and window_ms, 20 or more, the same
--   wherever the budget is named
--
-- Returns for each request { outcome, session, tightest, remaining, reset_ms }, or a status reply
-- that says what failed: no error reply, since StackExchange.Redis 3.4 closes its connection when
-- it reads one inside an array. outcome is a RateLimitOutcome:
--    1 admitted   -1 refused
-- session, a SessionState: 0 none, 1 alive, -1 ended: nothing was charged. tightest:
-- which budget has least left, counted from 1, or 0 when there is none. reset_ms: until more
-- permits come back; when refused, until the same request can pass.
--
-- Invariants: no window of window_ms, wherever it begins, contains more than `permits` admitted
-- requests; a refused request is charged to no budget.
-- By design: counters are not written to the append-only file and to replicas. They matter for one
-- window, and a line for each request would cost more than the decision. Sessions are written.

local PARTS, PAIR, PAIR_BYTES = 20, 'dI4', 12
local BEFORE_BUDGETS = 3

local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
-- Counters by key, as this call has read and charged them, and a list of the charged ones.
local counters, charged = {}, {}

-- A window is cut into parts, and a part counts until all of it lies outside the window: permits
-- come back up to a twentieth of the window late, and never early.
local function read(key, window_ms)
  local part_ms = math.ceil(window_ms / PARTS)
  local part = math.floor(now_ms / part_ms)
  local stored = redis.call('GET', key) or ''
  local pairs_of = { struct.unpack(string.rep(PAIR, #stored / PAIR_BYTES), stored) }
  local used, first, oldest, of_part = 0, #pairs_of, part, 0
  for i = #pairs_of - 2, 1, -2 do
    if pairs_of[i] < part - PARTS then break end
    used, first, oldest = used + pairs_of[i + 1], i, pairs_of[i]
    if oldest == part then of_part = pairs_of[i + 1] end
  end
  local before = of_part > 0 and -PAIR_BYTES - 1 or -1
  return {
    key = key, used = used, part = part, of_part = of_part, ttl_ms = part_ms * (PARTS + 1),
    before = string.sub(stored, (first - 1) / 2 * PAIR_BYTES + 1, before),
    reset_ms = (oldest + PARTS + 1) * part_ms - now_ms,
  }
end

local function counter_of(key, window_ms)
  local counter = counters[key] or read(key, window_ms)
  counters[key] = counter
  return counter
end

local function charge(counter)
  if not counter.is_charged then charged[#charged + 1] = counter end
  counter.is_charged = true
  counter.used, counter.of_part = counter.used + 1, counter.of_part + 1
end

local function keep_alive(session_key, began, idle_ms)
  if not began then
    redis.call('SET', session_key, string.format('%.0f', now_ms), 'PX', idle_ms)
  -- To extend the expiry once a minute is enough, and writes less to the append-only file.
  elseif redis.call('PTTL', session_key) < idle_ms - math.min(60000, idle_ms / 10) then
    redis.call('PEXPIRE', session_key, idle_ms)
  end
end

local function decide(key_at, at)
  local session_key, count = KEYS[key_at], tonumber(ARGV[at])
  local idle_ms, may_begin = tonumber(ARGV[at + 1]), ARGV[at + 2] == '1'
  local session, began = 0, nil
  if idle_ms > 0 then
    began = redis.call('GET', session_key)
    if began == 'ended' or not (began or may_begin) then return { 1, -1, 0, 0, 0 } end
    session = 1
  end

  local budgets, tightest, tightest_at, least, refused_ms = {}, nil, 0, nil, 0
  for i = 1, count do
    local place = at + BEFORE_BUDGETS + 2 * (i - 1)
    local permits, window_ms = tonumber(ARGV[place]), tonumber(ARGV[place + 1])
    assert(permits and permits >= 1, 'rate_limit: permits must be 1 or more')
    assert(window_ms and window_ms >= PARTS, 'rate_limit: window_ms must be 20 or more')
    local counter = counter_of(KEYS[key_at + i], window_ms)
    local left = permits - counter.used
    budgets[#budgets + 1] = counter
    if left < 1 then refused_ms = math.max(refused_ms, counter.reset_ms) end
    if not least or left < least then tightest, tightest_at, least = counter, i, left end
  end

  if session == 1 then keep_alive(session_key, began, idle_ms) end
  if refused_ms > 0 then return { -1, session, tightest_at, 0, refused_ms } end
  for _, counter in ipairs(budgets) do charge(counter) end
  if not tightest then return { 1, session, 0, 0, 0 } end
  return { 1, session, tightest_at, least - 1, tightest.reset_ms }
end

-- A counter or a session that can't be read fails only its own requests.
local answers, key_at, at = {}, 1, 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local decided, said = pcall(decide, key_at, at)
  answers[#answers + 1] = decided and said or { ok = type(said) == 'table' and said.err or said }
  key_at, at = key_at + 1 + count, at + BEFORE_BUDGETS + 2 * count
end
assert(at == #ARGV + 1 and key_at == #KEYS + 1, 'rate_limit: keys and arguments of each request')

redis.set_repl(redis.REPL_NONE)
for _, counter in ipairs(charged) do
  local counts = counter.before .. struct.pack(PAIR, counter.part, counter.of_part)
  redis.call('SET', counter.key, counts, 'PX', counter.ttl_ms)
end
return answers
