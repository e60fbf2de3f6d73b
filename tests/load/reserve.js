// reserve: k6 reserves stock, each iteration for a new customer.
//
//   k6 run -e URL=http://localhost:8080 -e SKU=sku-123 -e VUS=64 -e DURATION=30s tests/load/reserve.js
//
// Environment: URL, the gateway. SKU, the product. SKUS, 1: with more, <SKU>-1 .. <SKU>-<SKUS>, drawn at random.
// TTL, 600 seconds. API_KEY, none. VUS, 64. DURATION, 30s.

import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

const url = `${__ENV.URL || 'http://localhost:8080'}/api/reservations`;
const sku = __ENV.SKU || 'sku-123';
const skus = Number(__ENV.SKUS || 1);
const ttlSeconds = Number(__ENV.TTL || 600);
const headers = { 'Content-Type': 'application/json' };
if (__ENV.API_KEY) headers['X-Api-Key'] = __ENV.API_KEY;

const held = new Counter('held');
const refused = new Counter('refused');

// 409 (sold out) is an expected answer, not a failure.
http.setResponseCallback(http.expectedStatuses(201, 409));

export const options = {
  vus: Number(__ENV.VUS || 64),
  duration: __ENV.DURATION || '30s',
  summaryTrendStats: ['min', 'med', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    http_req_failed: ['rate<0.001'],
    http_req_duration: ['p(99)<50'],
  },
};

// A different prefix for each run, so that two runs don't share customers.
export function setup() {
  return { run: Date.now().toString(36) };
}

export default function ({ run }) {
  const productId = skus > 1 ? `${sku}-${1 + Math.floor(Math.random() * skus)}` : sku;
  const userId = `${run}-${__VU}-${__ITER}`;
  const answer = http.post(url, JSON.stringify({ productId, userId, quantity: 1, ttlSeconds }), { headers });
  check(answer, { 'held, or refused with a reason': (a) => a.status === 201 || a.status === 409 });
  if (answer.status === 201) held.add(1);
  if (answer.status === 409) refused.add(1);
}
