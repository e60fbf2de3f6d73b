-- holds: shared by the scripts about holds. Prepended to each script that includes it.
-- include shared/reading.lua
-- include shared/instant.lua
-- include shared/units.lua
-- include shared/deadlines.lua
--
-- Layout of one partition; `prefix` is its hash tag, such as {inv:0}: and leads every key
--   epoch            string  <number>:<run_id> of the verified run; missing while fenced
--   rebuild, former  string  token of the current rebuild; epoch of the run before the current one
--   stock:<sku>      hash    total, reserved, version, max_per_customer, paused, limits_version;
--                            fenced: token of the repair that has closed the SKU
--   fences           set     SKUs with `fenced`
--   holds:<bucket>   hash    reservation id -> hold text; bucket is two characters of the id
--   due:<sku>        zset    ids of the SKU's pending holds, scored by deadline_ms: the first page
--   page:<start>:<sku>  zset  the same: deadlines from `start` on, up to the next page's
--   pages:<sku>      zset    starts of these pages, scored by themselves
--   due              zset    SKUs, scored by a time that is never after their earliest deadline
--   units:<bucket>   hash    digest of owner and SKU -> what this owner has of this SKU
--   leases           zset    ids of confirming holds, scored by the end of their lease
--   ended:<id>       string  hold text of an ended reservation, for ended_retention_s
--   idem:<digest>    string  fingerprint of a request and the answer it got
--   heartbeat        string  ms: when the payments of an outage were last known to be settled
--   waiting          string  ms: since when due holds wait for a heartbeat
--   events           stream  every change, in order
-- Buckets stay below 512 short entries up to some two million holds, so Redis keeps them packed.
--
-- Hold text, separated by tabs: state, sequence, created_ms, deadline_ms, holder, then SKU and
-- quantity of each line. state: p pending, c confirming, f confirmed, r released, e expired.
-- In a pending hold's text deadline_ms locates its page; the deadline in the page is what counts.
--
-- Holder: u:<customer>, c:<cart>, or s:<subject>|<cart> for a cart of a shopper's session.
--
-- Invariants: stock.reserved is the sum over the SKU's holds; an id is in one page of each of its
-- lines' SKUs exactly while it is pending, and in leases exactly while it is confirming; units list
-- an id exactly while it is active; sequence counts a reservation's events from 1 without gaps.
--
-- Conventions: KEYS[1] epoch, KEYS[2] events, KEYS[3] due, KEYS[4] idem:<digest>;
-- ARGV[1] trace, ARGV[2] ended_retention_s, ARGV[3] fingerprint or empty, ARGV[4] idem_retention_s.
-- A reply is one string of tab-separated fields, the first being the outcome.
-- A script's header that lists due:<sku> includes pages:<sku> and the pages.

-- A script that decides several requests sets these for each.
local trace, answer_key, fingerprint, ended_retention_s = ARGV[1], KEYS[4], ARGV[3], ARGV[2]

local function stock_key(sku) return prefix .. 'stock:' .. sku end
local function holds_key(id) return prefix .. 'holds:' .. string.sub(id, 20, 21) end
local function ended_key(id) return prefix .. 'ended:' .. id end
local function leases_key() return prefix .. 'leases' end

-- A script's text begins with `this_run` and is loaded into that run of the server only, so a run
-- that wasn't verified doesn't know it (ADR 0006). If the epoch names another run, the caller has
-- to verify again.
local function fenced()
  local epoch = redis.call('GET', KEYS[1])
  if not epoch then return true end
  if string.match(epoch, '^%d+:(%w+)$') ~= this_run then
    error({ err = 'OTHERRUN this text was loaded for another run of the server' })
  end
  return false
end

-- The epoch number under which an order of this hold is accepted; 0 while fenced.
local function epoch_number() return string.match(redis.call('GET', KEYS[1]) or '0:', '^%d+') end

-- For refusals: nothing is stored, so a retry is decided anew and may find stock.
local function reply(...) return table.concat({ ... }, '\t') end

local function store(text, retention_s)
  if fingerprint ~= '' then
    redis.call('SET', answer_key, fingerprint .. '\t' .. text, 'EX', retention_s)
  end
  return text
end

-- For effects: stored under the idempotency key and replayed byte for byte.
local function answer(...)
  return store(table.concat({ ... }, '\t'), ARGV[4])
end

-- For a success that changed nothing, because all was as asked for. A retry that comes after a
-- newer call must not undo that one. Ten minutes are longer than a client retries by itself, and
-- short enough that a caller can't fill the store by calls without effect.
local function affirm(...)
  return store(table.concat({ ... }, '\t'), math.min(600, tonumber(ARGV[4])))
end

-- An earlier answer to the same key, marked with `*`; -7 when the key came with another request.
local function replay()
  if fingerprint == '' then return nil end
  local record = read_of('-', 'GET', answer_key)
  if not record then return nil end
  local asked, text = string.match(record, '^([^\t]*)\t(.*)$')
  if asked ~= fingerprint then return reply(-7) end
  return '*' .. text
end

local function lines_text(lines)
  if #lines == 1 then return lines[1].sku .. ':' .. digits[lines[1].quantity] end
  local parts = {}
  for i, line in ipairs(lines) do parts[i] = line.sku .. ':' .. digits[line.quantity] end
  return table.concat(parts, ',')
end

local function hold_text(hold)
  local text = hold.state .. '\t' .. digits[hold.sequence] .. '\t' .. hold.created_ms .. '\t'
    .. hold.deadline_ms .. '\t' .. hold.holder
  for _, line in ipairs(hold.lines) do
    text = text .. '\t' .. line.sku .. '\t' .. digits[line.quantity]
  end
  return text
end

-- A caller that found the id among the deadlines of `due_sku` passes its deadline, as text.
local function load_hold(id, due_sku, due_ms)
  local text = read_of('-', 'HGET', holds_key(id), id)
  if not text then return nil end
  local hold = parse_hold(text)
  if hold.state == 'p' then
    local sku = hold.lines[1].sku
    local filed_ms = sku == due_sku and due_ms or deadline_of(sku, id, hold.deadline_ms)
    if not filed_ms and not rebuilds then unreadable(sku, 'a pending hold has no deadline') end
    if filed_ms and not is_time(filed_ms) then
      if not rebuilds then unreadable(sku, 'a deadline is ' .. quoted(filed_ms)) end
      filed_ms = nil
    end
    hold.deadline_ms = filed_ms or hold.deadline_ms
    hold.filed_ms = tonumber(hold.deadline_ms)
  end
  return hold
end

-- Called after load_current found no hold: the waiting hold that it returned counts as expired.
local function load_ended(id, waiting)
  local text = read_of('-', 'GET', ended_key(id))
  if text then return parse_hold(text) end
  if waiting then waiting.state = 'e' end
  return waiting
end

local function hold_fields(id, hold)
  return id, hold.state, hold.deadline_ms, hold.holder, lines_text(hold.lines)
end

-- All events have the same fields in the same order: the stream stores the names once. Each step
-- appends its event before it writes anything else, because a stream may refuse an entry: what it
-- has no event of must not exist.
local function append_event(type, id, hold)
  append_at_clock(KEYS[2], 'type', type, 'reservation', id,
    'sequence', digits[hold.sequence], 'holder', hold.holder, 'deadline_ms', hold.deadline_ms,
    'lines', lines_text(hold.lines), 'trace', trace)
end

local function append_stock_event(sku, total)
  append_at_clock(KEYS[2], 'type', 'stock-set', 'reservation', '', 'sequence', 0,
    'holder', '', 'deadline_ms', 0, 'lines', sku .. ':' .. total, 'trace', trace)
end

local function assure_open(sku, fence)
  if fence and not rebuilds then error({ err = 'CLOSED ' .. sku .. ' it is being repaired' }) end
end

-- For scripts that change a hold and not its counters: none of its SKUs is being repaired, and the
-- pages of its deadline can be read.
local function assure_lines_open(hold)
  for _, line in ipairs(hold.lines) do
    assure_open(line.sku, read_of(line.sku, 'HGET', stock_key(line.sku), 'fenced'))
    read_page(line.sku, tonumber(hold.filed_ms or hold.deadline_ms))
  end
end

-- The counters of a SKU; nil where there is no such SKU.
local function stock_of(sku)
  local stock = read_of(sku, 'HMGET', stock_key(sku),
    'total', 'reserved', 'version', 'max_per_customer', 'paused', 'fenced')
  assure_open(sku, stock[6])
  if not stock[1] and not stock[3] then return nil end
  return { total = count_of(sku, 'total', stock[1]), reserved = count_of(sku, 'reserved', stock[2]),
    version = count_of(sku, 'version', stock[3]), paused = stock[5] and true,
    limit = stock[4] and count_of(sku, 'max_per_customer', stock[4]) or nil }
end

-- For a script that decides several requests: the stock levels it has read, and the earliest score
-- it has written to `due`. Both stay valid: no other script runs in between, and the functions that
-- write `reserved` and `due` update them.
local remembered_stock, remembered_due = {}, {}

local function has_counter(sku)
  local reserved = redis.pcall('HGET', stock_key(sku), 'reserved')
  return type(reserved) == 'string' and is_count(reserved)
end

local function change_reserved(sku, units)
  if rebuilds and not has_counter(sku) then return end
  local reserved = redis.call('HINCRBY', stock_key(sku), 'reserved', units)
  local stock = remembered_stock[sku]
  if stock then stock.reserved = reserved end
end

-- Reads everything that placing or removing a hold writes to, before the first write: HINCRBY on a
-- value that isn't a number would fail half-way. The counter of an unknown SKU counts nothing until
-- the SKU is set or rebuilt; the SKUs in `leaving` have been read before.
local function assure_countable(hold, leaving)
  for _, line in ipairs(hold.lines) do
    if not rebuilds and not (leaving and leaving[line.sku]) then
      local stock = read_of(line.sku, 'HMGET', stock_key(line.sku),
        'reserved', 'fenced', 'version')
      assure_open(line.sku, stock[2])
      if stock[1] or stock[3] then count_of(line.sku, 'reserved', stock[1]) end
    end
    if hold.state == 'p' then
      read_page(line.sku, tonumber(hold.filed_ms or hold.deadline_ms))
    end
    line.account = read_units(hold.holder, line.sku)
  end
end

-- A pending hold is due at its deadline; a confirming hold is only due when its lease has ended.
local function schedule(id, hold, lease_until_ms)
  if hold.state == 'c' then redis.call('ZADD', leases_key(), lease_until_ms, id) end
  for _, line in ipairs(hold.lines) do
    if hold.state == 'p' then
      local deadline_ms, known_ms = tonumber(hold.deadline_ms), remembered_due[line.sku]
      file_deadline(line.sku, id, deadline_ms)
      if not known_ms or deadline_ms < known_ms then
        redis.call('ZADD', KEYS[3], 'LT', hold.deadline_ms, line.sku)
        remembered_due[line.sku] = deadline_ms
      end
    elseif hold.filed_ms then
      remove_deadlines(line.sku, { id }, { hold.filed_ms })
    end
  end
end

-- Writes a new hold and what its lines take from stock. A caller uses it instead of place_hold when
-- it has read everything that assure_countable reads, and written none of it since.
local function write_hold(id, hold, event, lease_until_ms)
  if event then append_event(event, id, hold) end
  for _, line in ipairs(hold.lines) do
    change_reserved(line.sku, line.quantity)
    set_units(line.account, id, line.quantity)
  end
  redis.call('HSET', holds_key(id), id, hold_text(hold))
  schedule(id, hold, lease_until_ms)
end

-- A rebuild passes no event: the system of record has the hold.
local function place_hold(id, hold, event, lease_until_ms)
  assure_countable(hold)
  write_hold(id, hold, event, lease_until_ms)
end

-- Every hold that ends is removed here, after assure_countable; its units become available or are
-- bought. `leaving` collects, by SKU, what settle writes once for all holds removed in this step.
-- `due` keeps its score: too early is allowed, and the next expiry corrects it.
local function take_out(id, hold, leaving)
  for _, line in ipairs(hold.lines) do
    set_units(line.account, id, 0, hold.is_bought and line.quantity)
    local gone = leaving[line.sku]
    if not gone then
      gone = { units = 0, ids = {}, filed = {} }
      leaving[line.sku] = gone
    end
    gone.units = gone.units + line.quantity
    if hold.filed_ms then
      gone.ids[#gone.ids + 1] = id
      gone.filed[#gone.filed + 1] = hold.filed_ms
    end
  end
  redis.call('HDEL', holds_key(id), id)
end

local function settle(leaving)
  for sku, gone in pairs(leaving) do
    if gone.units > 0 then change_reserved(sku, -gone.units) end
    remove_deadlines(sku, gone.ids, gone.filed)
  end
end

local function remove_hold(id, hold)
  assure_countable(hold)
  local leaving = {}
  if hold.state == 'c' then redis.call('ZREM', leases_key(), id) end
  take_out(id, hold, leaving)
  settle(leaving)
end

-- Ends a hold: removes it and stores how it ended. A caller that passes `together` calls settle.
local function end_hold(id, hold, state, event, together)
  local leaving = together or {}
  assure_countable(hold, leaving)
  local was_confirming = hold.state == 'c'
  hold.state, hold.sequence = state, hold.sequence + 1
  append_event(event, id, hold)
  if was_confirming then redis.call('ZREM', leases_key(), id) end
  redis.call('SET', ended_key(id), hold_text(hold), 'EX', ended_retention_s)
  take_out(id, hold, leaving)
  if not together then settle(leaving) end
end

-- Holds that came due in an outage stay until its payments are settled (a fresh heartbeat): pin can
-- still take them; for all other scripts they have expired. The worker that settles the payments
-- may be dead: expiry stops waiting half a minute after it first had to wait. What is no number
-- counts as missing.
local function expiry_waits(now_ms)
  local beat = tonumber(redis.call('GET', prefix .. 'heartbeat') or '')
  if not beat or now_ms - beat <= 5000 then return false end
  local since = tonumber(redis.call('GET', prefix .. 'waiting') or '')
  if since then return now_ms - since < 30000 end
  redis.call('SET', prefix .. 'waiting', now_ms)
  return true
end

-- A hold past its deadline has ended: the script that finds it expires it, unless it waits for
-- payments. Returns the hold, or nil and the waiting hold.
local function load_current(id, now_ms)
  local hold = load_hold(id)
  if hold and hold.state == 'p' and hold.deadline_ms <= now_ms then
    if expiry_waits(now_ms) then return nil, hold end
    end_hold(id, hold, 'e', 'expired')
    return nil
  end
  return hold
end

-- A reservation is named by its id, or by its holder and one of its SKUs.
local function locate(id, holder, sku)
  if id ~= '' then return id end
  local waiting
  for _, own in ipairs(read_units(holder, sku).holds) do
    local text = read_of(sku, 'HGET', holds_key(own.id), own.id)
    if text and parse_hold(text).holder == holder then
      if load_current(own.id, clock_ms()) then return own.id end
      waiting = waiting or own.id
    end
  end
  return waiting
end

local function quantity_of(hold, sku)
  for _, line in ipairs(hold.lines) do
    if line.sku == sku then return line.quantity end
  end
  return 0
end

-- Whether a hold has the holder and the lines of a request.
local function same_request(hold, holder, lines)
  return hold.holder == holder and lines_text(hold.lines) == lines_text(lines)
end
