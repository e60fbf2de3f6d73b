-- guard_watch: add the units that one gateway counted, tighten what is over its threshold, and
-- return the guard's state.
--
-- KEYS[1] {gateway}:guard            hash: began_ms, version; issued, solved and refused challenges
-- KEYS[2] {gateway}:guard:tightened  hash: who -> since_ms until_ms units
-- KEYS[3] {gateway}:guard:operator   hash: sku -> mode, since_ms, key and reason, between tabs
-- KEYS[4] {gateway}:guard:events     stream of what happened
-- KEYS[5..] {gateway}:guard:taken:<who>  hash: part of the window -> units, one for each who
-- ARGV[1] within_ms, 20 or more      ARGV[2] duration_ms, 1 or more
-- ARGV[3] most shoppers and addresses that are tightened at once
-- ARGV[4] the version that the gateway knows, or empty
-- ARGV[5] issued                     ARGV[6] solved           ARGV[7] refused, since last time
-- ARGV[8] the greatest pressure: how many times its threshold something was taken, in whole steps
-- ARGV[9..] who, units, threshold, one triple for each of KEYS[5..]
--
-- `who` is sku:<sku>, session:<subject> or address:<network>.
--
-- Returns { version, changes, tightened, operator }. changes: event, who, units, of this call.
-- tightened: who, left_ms, units; operator: sku, mode; both empty when version is the known one,
-- because they haven't changed then. units: taken within within_ms when the threshold was last
-- exceeded, a step of the pressure or a twentieth of the duration ago at most.
--
-- Invariants: a `who` that took `threshold` units within within_ms is tightened from the call that
-- reports it, until duration_ms after the last such call; a SKU that an operator has switched is
-- left alone.
-- By design: counts don't outlive their window, and tightenings don't outlive the data in Redis.

local PARTS, MOST_EVENTS = 20, 1000

local state, tightened_key, operator_key, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local within_ms, duration_ms, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most_pressure = tonumber(ARGV[8])
assert(within_ms and within_ms >= PARTS, 'guard_watch: within_ms must be 20 or more')
assert(duration_ms and duration_ms >= 1, 'guard_watch: duration_ms must be 1 or more')
assert(most, 'guard_watch: most must be a number')
assert(most_pressure, 'guard_watch: most_pressure must be a number')
assert(#ARGV - 8 == 3 * (#KEYS - 4), 'guard_watch: who, units and threshold for each key')

local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local function whole(number) return string.format('%.0f', number) end

local changes, has_changed = {}, redis.call('HSETNX', state, 'began_ms', whole(now_ms)) == 1
local function note(event, who, units)
  for _, field in ipairs({ event, who, units }) do changes[#changes + 1] = field end
  local function record()
    return redis.pcall('XADD', events, 'MAXLEN', '~', MOST_EVENTS, '*',
      'event', event, 'who', who, 'units', units)
  end
  -- A manual change may leave a stream that takes no more entries, or another type. The record is
  -- for operators and begins anew: no decision depends on it.
  if type(record()) == 'table' then
    redis.call('DEL', events)
    record()
  end
  has_changed = true
end

local tightened, others = {}, 0
local stored = redis.call('HGETALL', tightened_key)
for i = 1, #stored, 2 do
  local who = stored[i]
  local since_ms, until_ms, units = string.match(stored[i + 1], '^(%d+) (%d+) (%d+)$')
  if tonumber(until_ms) <= now_ms then
    redis.call('HDEL', tightened_key, who)
    note('relaxed', who, units)
  else
    tightened[who] = { since_ms = tonumber(since_ms), until_ms = tonumber(until_ms),
      units = tonumber(units) }
    if string.sub(who, 1, 4) ~= 'sku:' then others = others + 1 end
  end
end

local operator = {}
stored = redis.call('HGETALL', operator_key)
for i = 1, #stored, 2 do operator[stored[i]] = string.match(stored[i + 1], '^%l+') end

-- A part counts until all of it lies outside the window.
local part_ms = math.ceil(within_ms / PARTS)
local part = math.floor(now_ms / part_ms)
local function add(key, units)
  local sum = units
  local parts = redis.call('HGETALL', key)
  for i = 1, #parts, 2 do
    if tonumber(parts[i]) < part - PARTS then
      redis.call('HDEL', key, parts[i])
    else
      sum = sum + tonumber(parts[i + 1])
    end
  end
  redis.call('HINCRBY', key, whole(part), units)
  redis.call('PEXPIRE', key, part_ms * (PARTS + 1))
  return sum
end

local function pressure(units, threshold)
  return math.min(most_pressure, math.floor(units / threshold))
end

for i = 1, #KEYS - 4 do
  local who, units = ARGV[6 + 3 * i], tonumber(ARGV[7 + 3 * i])
  local threshold = tonumber(ARGV[8 + 3 * i])
  local sku = string.match(who, '^sku:(.*)$')
  local sum = add(KEYS[4 + i], units)
  if sum >= threshold and not (sku and operator[sku]) then
    local known, until_ms = tightened[who], now_ms + duration_ms
    if not known and (sku or others < most) then
      known = { since_ms = now_ms, until_ms = 0, units = 0 }
      tightened[who] = known
      if not sku then others = others + 1 end
      note('tightened', who, sum)
    end
    -- Every change makes all gateways read the state again, so it has to be a twentieth of the
    -- duration or more, or a higher step of the pressure.
    if known and (until_ms - known.until_ms >= duration_ms / 20
        or pressure(sum, threshold) > pressure(known.units, threshold)) then
      known.until_ms, known.units = math.max(known.until_ms, until_ms), sum
      redis.call('HSET', tightened_key, who,
        whole(known.since_ms) .. ' ' .. whole(known.until_ms) .. ' ' .. whole(known.units))
      has_changed = true
    end
  end
end

for name, count in pairs({ issued = ARGV[5], solved = ARGV[6], refused = ARGV[7] }) do
  if count ~= '0' then redis.call('HINCRBY', state, name, count) end
end
if has_changed then redis.call('HINCRBY', state, 'version', 1) end

-- When Redis has lost its data, versions start again: began_ms in front makes them different.
local began_and_version = redis.call('HMGET', state, 'began_ms', 'version')
local version = began_and_version[1] .. ':' .. (began_and_version[2] or 0)
if version == ARGV[4] then return { version, changes, {}, {} } end
local all, modes = {}, {}
for who, one in pairs(tightened) do
  all[#all + 1] = who
  all[#all + 1] = one.until_ms - now_ms
  all[#all + 1] = one.units
end
for sku, mode in pairs(operator) do
  modes[#modes + 1] = sku
  modes[#modes + 1] = mode
end
return { version, changes, all, modes }
