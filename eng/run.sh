#!/usr/bin/env bash
# Sets up what is missing, builds, and runs the whole product until Ctrl+C. Data survives; --fresh begins anew.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

fresh=
for argument in "$@"; do
  case $argument in
    --fresh) fresh=yes ;;
    -h | --help) say "usage: eng/run.sh [--fresh]   --fresh wipes the data of earlier runs"; exit 0 ;;
    *) fail "unknown argument $argument; usage: eng/run.sh [--fresh]" ;;
  esac
done

run=$root/artifacts/run
gateway=http://localhost:8080
mkdir -p "$run"
exec 9>"$run/lock"
holder=$(cat "$run/pid" 2>/dev/null) || true
flock -n 9 || fail "already running: $gateway (stop it with Ctrl+C where it runs${holder:+, or: kill $holder})"

# Servers that outlive this script, such as the compiler's, would keep the lock: nothing below it gets it.
ensure_tools curl:curl 9>&-
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
  fail "port 8080 is taken by another program; stop it and try again"
fi
build Inventory.AppHost Release 9>&-
[ -n "$fresh" ] && rm -rf "$run/data"
rm -f "$run/resources.json" "$run/endpoints.env"

started=$(date +%s%N)
DOTNET_ENVIRONMENT=Development ASPNETCORE_ENVIRONMENT=Development \
  dotnet artifacts/bin/Inventory.AppHost/release/Inventory.AppHost.dll 9>&- &
apphost=$!
echo $apphost >"$run/pid"
# TERM, because a shell starts what it puts in the background with INT ignored.
trap 'kill -TERM $apphost 2>/dev/null || true' INT TERM
trap 'rm -f "$run/pid" "$run/endpoints.env"' EXIT

until [ -s "$run/resources.json" ] && curl -fsS -o /dev/null --max-time 2 "$gateway/health" 2>/dev/null; do
  if ! kill -0 $apphost 2>/dev/null; then
    wait $apphost && fail "it stopped before it was ready" || exit $?
  fi
  sleep 0.1
done

# connection RESOURCE: the connection string that the application host wrote down.
connection() {
  awk -v name="\"$1\"," '$1 == "\"name\":" { found = $2 == name }
    found && $1 == "\"connectionString\":" { print $2; exit }' "$run/resources.json" | sed 's/^"//; s/",\{0,1\}$//'
}
# part STRING KEY: one value of a connection string.
part() { tr ';,' '\n\n' <<<"$1" | sed -n "s/^$2=//p"; }

redis=$(connection redis)
ledger=$(connection ledger)
# The user is named because redis-cli takes an empty one for a name.
redis_url="redis://default:$(part "$redis" password)@${redis%%,*}"
pg_dsn="postgresql://$(part "$ledger" Username):$(part "$ledger" Password)@$(part "$ledger" Host):$(part "$ledger" Port)/$(part "$ledger" Database)"
webhook_secret=$(grep -om1 'whsec_[A-Za-z0-9+/=]*' services/Inventory.ReservationApi/appsettings.Development.json)
# demo_key NAME: a key that only Development takes.
demo_key() { sed -n "s/.*const string $1 = \"\(.*\)\";/\1/p" services/Inventory.Identity/DemoKeys.cs; }
(umask 077 && printf '%s\n' "GATEWAY_URL=$gateway" "REDIS_URL=$redis_url" "PG_DSN=$pg_dsn" \
  "ADMIN_KEY=$(demo_key Admin)" "BACKEND_KEY=$(demo_key Backend)" "WEBHOOK_SECRET=$webhook_secret" >"$run/endpoints.env")

elapsed=$((($(date +%s%N) - started + 500000000) / 1000000000))
cat <<EOF

Ready after $elapsed s. Ctrl+C stops it; the data stays (--fresh wipes it).

  gateway   $gateway
  docs      $gateway/docs
  redis     ${redis%%,*}
  postgres  $(part "$ledger" Host):$(part "$ledger" Port), database $(part "$ledger" Database)

Passwords and demo keys (ADMIN_KEY, BACKEND_KEY) are in artifacts/run/endpoints.env; on this machine, holding needs no key. Try first:

  curl -sX POST $gateway/reserve -H 'Content-Type: application/json' -d '{"sku":"sku-123","qty":2,"cart_id":"cart-abc","ttl_seconds":120}'

EOF

# An interrupted wait returns at once, and the application host still has to stop what it started.
while kill -0 $apphost 2>/dev/null; do wait $apphost && status=0 || status=$?; done
exit "${status:-0}"
