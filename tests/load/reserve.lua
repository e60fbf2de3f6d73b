-- reserve: wrk reserves stock, each request for a new customer.
--
--   SKU=sku-123 wrk -t1 -c64 -d10 -s tests/load/reserve.lua http://localhost:8080
--
-- Environment: SKU, the product. SKUS, 1: with more, the products <SKU>-1 .. <SKU>-<SKUS>, drawn at random.
-- TTL, 600 seconds. ROUTE, /api/reservations. API_KEY, none. RUN, the time: the prefix of each
-- customer's name, so that two runs don't share customers.

local sku = os.getenv('SKU') or 'sku-123'
local skus = tonumber(os.getenv('SKUS') or '1')
local ttl = os.getenv('TTL') or '600'
local route = os.getenv('ROUTE') or '/api/reservations'
local key = os.getenv('API_KEY')
local run = os.getenv('RUN') or tostring(os.time())

local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set('place', threads)
end

local count = 0
local headers = { ['Content-Type'] = 'application/json', ['X-Api-Key'] = key }
function request()
  count = count + 1
  local product = skus > 1 and sku .. '-' .. math.random(skus) or sku
  return wrk.format('POST', route, headers, '{"productId":"' .. product .. '","userId":"' .. run
    .. '-' .. place .. '-' .. count .. '","quantity":1,"ttlSeconds":' .. ttl .. '}')
end

-- One line for programs: seconds, requests, refusals, lost, and latencies in milliseconds.
function done(summary, latency)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout
  print(string.format('RESULT %.3f %d %d %d %.3f %.3f %.3f', summary.duration / 1e6,
    summary.requests, summary.errors.status, lost, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency:percentile(99.9) / 1000))
end
