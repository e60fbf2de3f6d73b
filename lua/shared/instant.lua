-- instant: the time at which a script decides. Before shared/holds.lua.
--
-- A script decides in one instant, and its events say that one: were the clock read again for each,
-- a server that stands still in between would tell of a release after its deadline.

local instant_ms

-- The server's clock, not the caller's: every deadline is compared against the same one.
local function clock_ms()
  if not instant_ms then
    local time = redis.call('TIME')
    instant_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return instant_ms
end

-- A stream whose last id is ahead of the clock, which has been set back, goes on from that id.
local function append_at_clock(stream, ...)
  local id = redis.pcall('XADD', stream, digits[clock_ms()] .. '-*', ...)
  if type(id) == 'table' then redis.call('XADD', stream, '*', ...) end
end
