-- instant: the time at which a script decides. Included before shared/holds.lua.
--
-- A script reads the clock once, for its decisions and its events. With a second reading, a server
-- that pauses in between would record a release after its deadline.

local instant_ms

-- The server's clock, not the caller's: every deadline is compared against the same one.
local function clock_ms()
  if not instant_ms then
    local time = redis.call('TIME')
    instant_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return instant_ms
end

-- If the clock has been set back, the stream's last id is ahead of it: the event gets the next id.
-- A manual change may leave a stream that has no next id; a rebuild replaces it.
local function append_at_clock(stream, ...)
  local id = redis.pcall('XADD', stream, digits[clock_ms()] .. '-*', ...)
  if type(id) == 'table' then id = redis.pcall('XADD', stream, '*', ...) end
  if type(id) ~= 'table' then return end
  if string.find(id.err, 'last possible ID', 1, true) then
    error({ err = 'CLOSED - the stream of events takes no more entries' })
  end
  error(id)
end
