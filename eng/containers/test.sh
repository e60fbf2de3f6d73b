#!/usr/bin/env bash
# eng/test.sh --containers: runs the product with Redis and PostgreSQL in containers, once for each place where images of
# PostgreSQL keep their data, and checks what docs/containers.md says. The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. eng/setup.sh

[ $# -eq 0 ] || fail "usage: eng/test.sh --containers   without other arguments"
ensure_tools curl:curl openssl:openssl
build Inventory.AppHost Release

results=$root/artifacts/tests
rm -rf "$results" && mkdir -p "$results"
# The engine's folder, and one that looks like a checkout in which the product runs.
work=$(mktemp -d /var/tmp/inventory-containers-XXXXXX)
engine=$work/engine checkout=$work/checkout
mkdir -p "$checkout"
ln -s "$root/eng" "$checkout/eng"
product='' shoppers=() passed=0 failed=0 note='' log=$results/containers.log

# ended PID: waits until a process that was told to stop has stopped. An interrupted wait returns at once.
ended() { while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done; }
# shellcheck disable=SC2317 # The trap calls it.
clean_up() {
  send_home
  stop || true
  if [ -x "$engine/bin/podman" ]; then eng/containers.sh --remove "$engine" || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# within SECONDS COMMAND ...: repeats a command until it succeeds.
within() {
  local last=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $last ] || return 1
    sleep 0.2
  done
}

# check WHAT COMMAND ...: counts and prints whether a command succeeds, with what the command leaves in `note`.
check() {
  local what=$1 verdict=ok
  shift
  note=''
  "$@" || verdict=FAILED
  printf '  %-6s  %s%s\n' $verdict "$what" "${note:+: $note}"
  if [ $verdict = ok ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  {
    printf '\nFAILED: %s. The containers:\n' "$what"
    podman ps --all
    for store in redis postgres; do podman logs --tail 40 "$(container $store)"; done
  } >>"$log" 2>&1 || true
}

# ---- The product

# start ARGUMENT ...: starts the AppHost, and waits until the product sells.
start() {
  DOTNET_ENVIRONMENT=Development ASPNETCORE_ENVIRONMENT=Development \
    dotnet artifacts/bin/Inventory.AppHost/release/Inventory.AppHost.dll \
    --port 0 --folder "$checkout/artifacts/run" "$@" >>"$log" 2>&1 &
  product=$!
  # The AppHost writes this file when the product is ready: addresses and keys.
  local endpoints=$checkout/artifacts/run/endpoints.env
  within 240 ready_or_ended "$endpoints" && [ -s "$endpoints" ] || return
  # shellcheck disable=SC1090 # It exists only now.
  . "$endpoints"
  sql "INSERT INTO products (sku_id, name) VALUES ('load', 'Load') ON CONFLICT DO NOTHING;
    INSERT INTO inventory (sku_id, total) VALUES ('load', 1000000) ON CONFLICT DO NOTHING"
  within 60 sells
}
ready_or_ended() { [ -s "$1" ] || ! kill -0 "$product" 2>/dev/null; }

# stop: ends the product in order. The AppHost ends before Aspire's orchestrator, which removes the containers.
stop() {
  [ -n "$product" ] || return 0
  kill -TERM "$product" 2>/dev/null || true
  ended "$product"
  product=''
  within 60 no_containers
}
no_containers() { [ -z "$(podman ps --all --quiet)" ]; }

# container STORE: the id of its container, if one runs.
container() { podman ps --quiet --filter "name=^$1-"; }
# run STORE SCRIPT ARGUMENT ...: runs a line of shell in the store's container, where the passwords are variables.
run() {
  local store=$1
  shift
  podman exec "$(container "$store")" sh -c "$1" sh "${@:2}"
}
# shellcheck disable=SC2016 # What looks like variables are the container's.
sql() {
  run postgres 'PGPASSWORD=$POSTGRES_PASSWORD exec psql -U postgres -d ledger -qtAX -v ON_ERROR_STOP=1 "$@"' -c "$1"
}
# shellcheck disable=SC2016
redis() { run redis 'REDISCLI_AUTH=$REDIS_PASSWORD exec redis-cli "$@"' "$@"; }

# call PATH BODY: a backend's request; prints the answer's status, 000 where none came.
call() {
  curl -s -o /dev/null -w '%{http_code}' --max-time 10 -X POST -H "X-Api-Key: $BACKEND_KEY" \
    -H 'Content-Type: application/json' --data "$2" "$GATEWAY_URL$1" || true
}
uuid() { cat /proc/sys/kernel/random/uuid; }
# hold ID, order ID: succeed when the product acknowledges it.
hold() {
  local body='{"reservationId":"ID","productId":"load","userId":"ID","quantity":1,"ttlSeconds":3600}'
  [ "$(call /api/reservations "${body//ID/$1}")" = 201 ]
}
order() { [[ $(call "/api/reservations/$1/confirm" '{"paymentId":"pay-'"$1"'"}') = 20[0-4] ]]; }
# sells: needs both stores, Redis for the hold and PostgreSQL for the order.
sells() {
  local id
  id=$(uuid)
  hold "$id" && order "$id"
}

# ---- The shoppers

# shop NUMBER: holds one unit after another, makes an order of every second hold, and writes down what is acknowledged.
shop() {
  local id turn=0
  while :; do
    id=$(uuid)
    if hold "$id"; then
      echo "$id" >>"$work/held-$1"
      turn=$((turn + 1))
      if [ $((turn % 2)) = 0 ] && order "$id"; then echo "$id" >>"$work/ordered-$1"; fi
    fi
  done
}
send_shoppers() {
  local number
  rm -f "$work"/held-* "$work"/ordered-*
  for number in 1 2 3; do
    shop $number &
    shoppers+=($!)
  done
}
send_home() {
  local each
  for each in "${shoppers[@]}"; do
    kill "$each" 2>/dev/null || true
    ended "$each" 2>/dev/null
  done
  shoppers=()
}
# acknowledged KIND: the ids of what was held or ordered.
acknowledged() { cat "$work/$1"-* 2>/dev/null || true; }
more_than() { [ "$(acknowledged held | wc -l)" -gt "$1" ]; }
shoppers_hold() { within 60 more_than $(($(acknowledged held | wc -l) + 20)); }

# ---- What is checked

# tour: runs the README's lines, in a folder of their own because they read artifacts/run.
tour() {
  local lines answers i status=0
  lines=$(awk '/^## / { tour = /Hold something/ } /^```/ { code = !code; next } tour && code' README.md)
  mapfile -t answers < <(
    cd "$checkout"
    # The lines call it, and so does eng/pay.sh: an answer becomes one line that ends with its status.
    # shellcheck disable=SC2317
    curl() { command curl --max-time 60 "$@" --write-out ' %{http_code}\n'; }
    export -f curl
    eval "${lines//http:\/\/localhost:8080/$GATEWAY_URL}")
  local expected=(
    '*"qty":2,"status":"pending",*"remaining":8} 201'
    '*"status":"pending",* 200'
    '*"status":"released",* 200'
    '{"sku":"sku-123","total":10,"reserved":0,"available":10,* 200'
    '*"type":"released",*"type":"extended",*"type":"reserved",* 200'
    '*"customerId":"user-1","status":"pending",* 201'
    '*"customerId":"user-3","status":"pending",* 201'
    '*"outcome":"confirmed",* 200'
    '*"customerId":"user-3","status":"confirmed",* 200'
    '*"quantity":5,*"totalAfter":14,* 20[01]'
    '{"sku":"sku-123","total":14,*"reason":"received",*"reason":"sold",* 200'
    '*"customerId":"user-2","status":"pending",*"sku":"flash-100",*"sku":"sku-123",* 201')
  note="${#answers[@]} answers"
  [ ${#answers[@]} = ${#expected[@]} ] || status=1
  for i in "${!expected[@]}"; do
    # shellcheck disable=SC2053 # What is expected is a pattern.
    [[ ${answers[i]:-} = ${expected[i]} ]] && continue
    say "  answer $((i + 1)): ${answers[i]:-none}; expected: ${expected[i]}"
    status=1
  done
  return $status
}

redis_settings() {
  local name
  for name in appendonly maxmemory-policy save; do note+="${note:+, }$name '$(redis CONFIG GET $name | sed -n 2p)'"; done
  [ "$note" = "appendonly 'yes', maxmemory-policy 'noeviction', save ''" ]
}

# in_volume STORE PLACE: one volume and no other, named after the store, where the image keeps its data.
in_volume() {
  note=$(podman inspect --format '{{range .Mounts}}{{.Name}} at {{.Destination}}{{end}}' "$(container "$1")")
  [[ $note = *-$1-data\ at\ $2 ]]
}

# outage STORE: kills the container, and waits until the product sells with another one.
outage() {
  local old began
  old=$(container "$1") began=$(date +%s%N)
  podman kill --signal KILL "$old" >/dev/null
  within 120 replaced "$1" "$old" && within 120 sells || return
  note="after $((($(date +%s%N) - began + 500000000) / 1000000000)) s"
}
replaced() {
  local now
  now=$(container "$1")
  [ -n "$now" ] && [ "$now" != "$2" ]
}

# found KIND PATH PATTERN: checks that the product's answer for each acknowledged id matches the pattern.
found() {
  local ids file=$work/answers.txt
  mapfile -t ids < <(acknowledged "$1")
  ids=("${ids[@]/#/"url = $GATEWAY_URL/api/reservations/"}")
  printf '%s\n' "${ids[@]/%/"$2"}" |
    curl -s --max-time 300 -H "X-Api-Key: $BACKEND_KEY" -w '\n' --config - >"$file" || true
  note="$(grep -cE "$3" "$file") of ${#ids[@]}"
  [ ${#ids[@]} -gt 0 ] && [ "$note" = "${#ids[@]} of ${#ids[@]}" ] && return
  { printf '\nNot %s:\n' "$3" && grep -vE "$3" "$file"; } >>"$log"
  return 1
}
# A confirm that an outage cut off leaves its hold "confirming", until the product has asked PostgreSQL what became of it.
check_memory() {
  check "every acknowledged hold is there" within 60 found held "" '"status":"(pending|confirmed)"'
  check "every acknowledged order is there" found ordered /order '"status":"confirmed"'
}

# layout IMAGE PLACE ARGUMENT ...: runs all checks with one image of PostgreSQL and the place where it has its volume.
layout() {
  local image=$1 place=$2 before=$failed
  shift 2
  say "$image"
  log=$results/containers-${image/:/-}.log
  check "the product starts with empty volumes" start "$@" --fresh
  # Nothing else can be checked without the product.
  if [ $failed -gt $before ]; then stop || true; return; fi
  check "PostgreSQL's data is in its volume" in_volume postgres "$place"
  check "Redis' data is in its volume" in_volume redis /data
  check "Redis logs every write, and evicts nothing" redis_settings
  check "the README's tour" tour

  send_shoppers
  check "shoppers hold and order" shoppers_hold
  check "Redis is killed: the product sells again" outage redis
  check "PostgreSQL is killed: the product sells again" outage postgres
  check "shoppers hold and order as before" shoppers_hold
  send_home
  check_memory

  check "the product stops and leaves no container" stop
  check "it starts again with the data of before" start "$@"
  check_memory
  check "the product stops and leaves no container" stop
}

eng/containers.sh "$engine"
# shellcheck disable=SC1091 # It exists only now.
. "$engine/env.sh"
tag=$(sed -nE 's/.*const string PostgresTag = "(.*)";/\1/p' Inventory.AppHost/Stores.cs)
layout "postgres:$tag" /var/lib/postgresql
layout postgres:17 /var/lib/postgresql/data --postgres-tag 17

[ $failed -eq 0 ] || say "Logs are in artifacts/tests."
say "Not tested: the official images; images made of this machine's packages stand in for them."
say "$passed passed, $failed failed"
[ $failed -eq 0 ]
