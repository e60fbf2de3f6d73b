-- cancel_order: apply an order's cancellation in the system of record: its units are available
-- again, and no longer count as bought by their owner.
-- include shared/holds.lua
--
-- KEYS[1] {inv:p}:epoch    KEYS[2] {inv:p}:events    KEYS[3] {inv:p}:due
-- Derived, with the same tag: holds:<bucket>, leases, due:<sku>, ended:<id>, stock:<sku>,
-- units:<bucket>.
-- ARGV[1] trace   ARGV[2] ended_retention_s   ARGV[3] id      ARGV[4] epoch, as read before the
-- order was cancelled   ARGV[5] at_ms, this server's clock then   ARGV[6] patience_ms
-- ARGV[7] holder  ARGV[8..] sku, quantity, total, version of each line, the last two as the system
-- of record returned them
--
-- Returns the outcome, by CancelOrderOutcome:
--    1 applied   -1 too late   -2 rebuilt meanwhile   -9 fenced
--
-- Invariants: called once for each order, by the process that cancelled it. Totals are always
-- applied, since they carry versions; the units bought are lowered only in the epoch in which the
-- order existed, and only within patience_ms: a later rebuild or audit has counted without the
-- order. When the commit of an order has not come yet, the order is committed here, and counts
-- towards no limit.
-- By design: no memory of this call. The caller never repeats it; the audit finds what is missing.

if fenced() then return reply(-9) end
local id, epoch, at_ms, patience_ms = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local holder, lines = ARGV[7], {}
assert(#id == 22, 'cancel_order: id must have 22 characters')
assert(at_ms and patience_ms, 'cancel_order: at_ms and patience_ms must be numbers')
assert((#ARGV - 7) % 4 == 0 and #ARGV > 7, 'cancel_order: four fields for each line')
for i = 8, #ARGV, 4 do
  local line = { sku = ARGV[i], quantity = tonumber(ARGV[i + 1]), total = ARGV[i + 2],
    version = ARGV[i + 3], stock = stock_of(ARGV[i]), account = read_units(holder, ARGV[i]) }
  assert(line.quantity and tonumber(line.total) and tonumber(line.version),
    'cancel_order: quantity, total and version must be numbers')
  lines[#lines + 1] = line
end

-- Long after an order, another reservation may have its id.
local hold = load_hold(id)
local same = hold and hold.holder == holder and #hold.lines == #lines
for _, line in ipairs(lines) do
  same = same and quantity_of(hold, line.sku) == line.quantity
end
if same then assure_countable(hold) end

for _, line in ipairs(lines) do
  if line.stock and line.stock.version < tonumber(line.version) then
    append_stock_event(line.sku, line.total)
    redis.call('HSET', stock_key(line.sku), 'total', line.total, 'version', line.version)
  end
end
if same then
  end_hold(id, hold, 'f', 'confirmed')
  return reply(1)
end
if redis.call('GET', KEYS[1]) ~= epoch then return reply(-2) end
if clock_ms() > at_ms + patience_ms then return reply(-1) end
for _, line in ipairs(lines) do
  line.account.confirmed = math.max(0, line.account.confirmed - line.quantity)
  write_units(line.account)
end
return reply(1)
