#!/usr/bin/env bash
# Plays the payment provider: signs one event, sends it to the running product and prints the answer.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/pay.sh RESERVATION [--failed | --refunded PAYMENT | --disputed PAYMENT] [--event ID]"
reservation='' type=payment.approved payment='' event=evt_$(cat /proc/sys/kernel/random/uuid)
while [ $# -gt 0 ]; do
  case $1 in
    --failed) type=payment.failed ;;
    --refunded | --disputed) type=payment.${1#--}; payment=${2:?$usage}; shift ;;
    --event) event=${2:?$usage}; shift ;;
    -h | --help) say "$usage   --event repeats an event by its id"; exit 0 ;;
    -*) fail "unknown argument $1; $usage" ;;
    *) [ -z "$reservation" ] || fail "$usage"; reservation=$1 ;;
  esac
  shift
done
[ -n "$reservation" ] || fail "$usage"
ensure_tools curl:curl openssl:openssl
is_running || fail "nothing is running; start it with eng/run.sh"
. artifacts/run/endpoints.env

now=$(date +%s)
# The payment's id is made of the event's, so a repeated event is the same payment.
body='{"type":"'$type'","data":{"reservationId":"'$reservation'","paymentId":"'${payment:-pay_${event#evt_}}'","amount":1990,"currency":"EUR"}}'
key=$(base64 -d <<<"${WEBHOOK_SECRET#whsec_}" | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s.%s.%s' "$event" "$now" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64 -w0)
curl -sS -X POST "$GATEWAY_URL/api/payments/webhook" -H 'Content-Type: application/json' \
  -H "webhook-id: $event" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" \
  -d "$body" -w '\n'
