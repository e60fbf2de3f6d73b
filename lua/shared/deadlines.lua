-- deadlines: the deadlines of a SKU's pending holds, in pages that Redis keeps packed (ADR 0020).
-- Included after shared/units.lua and before shared/holds.lua, which documents the layout.
--
-- Invariants: a page contains the deadlines from its start up to the next page's start; due:<sku>
-- is the first page and contains those before every start. Only due:<sku> may be empty. A hold is
-- found by the deadline in its text, which is 0 in texts written before there were pages.
-- By design: pages are never merged. Their deadlines pass.

-- Redis packs a sorted set of up to this many entries.
local PACKED = 128

local function due_key(sku) return prefix .. 'due:' .. sku end
local function pages_key(sku) return prefix .. 'pages:' .. sku end
local function page_key(sku, start) return prefix .. 'page:' .. start .. ':' .. sku end

local function page_at(sku, start)
  return { key = start and page_key(sku, start) or due_key(sku), start = start,
    from = start and tonumber(start) or -math.huge, to = math.huge }
end

-- The page used last, per SKU. Valid because only the functions below write to pages:<sku>.
local recent = {}

local function page_of(sku, deadline_ms)
  local page = recent[sku]
  if page and page.from <= deadline_ms and deadline_ms < page.to then return page end
  local key = pages_key(sku)
  -- Most deadlines are later than all earlier ones, so the last page is tried first.
  page = page_at(sku, read_of(sku, 'ZRANGE', key, -1, -1)[1])
  if deadline_ms < page.from then
    local after = redis.call('ZRANGEBYSCORE', key, '(' .. deadline_ms, '+inf', 'LIMIT', 0, 1)[1]
    page = page_at(sku,
      redis.call('ZREVRANGEBYSCORE', key, deadline_ms, '-inf', 'LIMIT', 0, 1)[1])
    page.to = tonumber(after)
  end
  recent[sku] = page
  return page
end

-- The page of a deadline, with its number of entries. Reading it first ensures that no write to it
-- fails later.
local function read_page(sku, deadline_ms)
  local page = page_of(sku, deadline_ms)
  page.count = page.count or read_of(sku, 'ZCARD', page.key)
  return page
end

-- The first deadline in a page's upper half that isn't also in its lower half; nil without one.
local function middle_of(page)
  local upper = redis.call('ZRANGE', page.key, PACKED / 2 - 1, -1, 'WITHSCORES')
  for i = 4, #upper, 2 do
    if tonumber(upper[i]) > tonumber(upper[2]) then return tonumber(upper[i]) end
  end
end

-- Usually the new deadline is the latest of its page: a new page starts with it, and only entries
-- with the same deadline are moved. Any other deadline splits the page. Equal deadlines stay in one
-- page: with more than PACKED of them the page is unpacked but still correct.
local function make_room(sku, page, deadline_ms)
  local last = tonumber(redis.call('ZRANGE', page.key, -1, -1, 'WITHSCORES')[2])
  local start = deadline_ms >= last and deadline_ms or page.count == PACKED and middle_of(page)
  if not start or start <= page.from then return end
  local key = page_key(sku, digits[start])
  -- No page starts there, so whatever the key holds is left over from a page that was lost.
  redis.call('UNLINK', key)
  local moved = redis.call('ZRANGEBYSCORE', page.key, start, '+inf', 'WITHSCORES')
  for i = 1, #moved, 2 do redis.call('ZADD', key, moved[i + 1], moved[i]) end
  redis.call('ZREMRANGEBYSCORE', page.key, start, '+inf')
  redis.call('ZADD', pages_key(sku), start, digits[start])
  recent[sku] = nil
end

local function file_deadline(sku, id, deadline_ms)
  local page = read_page(sku, deadline_ms)
  if page.count >= PACKED then
    make_room(sku, page, deadline_ms)
    page = read_page(sku, deadline_ms)
  end
  redis.call('ZADD', page.key, deadline_ms, id)
  page.count = page.count + 1
end

-- Ids are removed in groups, because Lua's stack has room for 8,000 values.
local function remove_from(sku, page, ids)
  for first = 1, #ids, 1000 do
    redis.call('ZREM', page.key, unpack(ids, first, math.min(first + 999, #ids)))
  end
  if page.start and redis.call('EXISTS', page.key) == 0 then
    redis.call('ZREM', pages_key(sku), page.start)
    recent[sku] = nil
  end
  if recent[sku] then recent[sku].count = nil end
end

-- `filed`: for each id the deadline under which it is stored.
local function remove_deadlines(sku, ids, filed)
  local pages, of_page = {}, {}
  for i, id in ipairs(ids) do
    local page = page_of(sku, filed[i])
    if not of_page[page.key] then
      pages[#pages + 1] = page
      of_page[page.key] = {}
    end
    table.insert(of_page[page.key], id)
  end
  for _, page in ipairs(pages) do remove_from(sku, page, of_page[page.key]) end
end

-- All pages in order.
local function pages_of(sku)
  local pages = { page_at(sku) }
  for _, start in ipairs(read_of(sku, 'ZRANGE', pages_key(sku), 0, -1)) do
    pages[#pages + 1] = page_at(sku, start)
  end
  return pages
end

-- The next page that may have due deadlines.
local function due_page_after(sku, page, now_ms)
  local start = read_of(sku, 'ZRANGEBYSCORE', pages_key(sku),
    page.start and '(' .. page.start or '-inf', now_ms, 'LIMIT', 0, 1)[1]
  return start and page_at(sku, start)
end

local function deadline_of(sku, id, filed_ms)
  local score = read_of(sku, 'ZSCORE', page_of(sku, filed_ms).key, id)
  if score or filed_ms > 0 then return score and tonumber(score) end
  for _, page in ipairs(pages_of(sku)) do
    score = score or read_of(sku, 'ZSCORE', page.key, id)
  end
  return score and tonumber(score)
end

local function count_deadlines(sku)
  local count = 0
  for _, page in ipairs(pages_of(sku)) do count = count + read_of(sku, 'ZCARD', page.key) end
  return count
end

-- nil where there is none.
local function earliest_deadline(sku)
  local function first_of(key) return read_of(sku, 'ZRANGE', key, 0, 0, 'WITHSCORES')[2] end
  local earliest = first_of(due_key(sku))
  local start = not earliest and read_of(sku, 'ZRANGE', pages_key(sku), 0, 0)[1]
  if start then earliest = first_of(page_key(sku, start)) or start end
  return earliest and tonumber(earliest)
end
