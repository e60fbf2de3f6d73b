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
flock -n 9 || fail "already running: $gateway (stop it with Ctrl+C where it runs, or: kill $(cat "$run/pid" 2>/dev/null || echo '?'))"

ensure_tools curl:curl
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
  fail "port 8080 is taken by another program; stop it and try again"
fi
build Inventory.AppHost Release
[ -n "$fresh" ] && rm -rf "$run/data"
rm -f "$run/resources.json" "$run/endpoints.env"

started=$(date +%s%N)
DOTNET_ENVIRONMENT=Development ASPNETCORE_ENVIRONMENT=Development \
  dotnet artifacts/bin/Inventory.AppHost/release/Inventory.AppHost.dll 9>&- &
apphost=$!
echo $apphost >"$run/pid"
trap 'kill -INT $apphost 2>/dev/null || true' INT TERM
trap 'rm -f "$run/pid" "$run/endpoints.env"' EXIT

# value FILE RESOURCE: the connection string that the application host wrote down.
connection() { sed -n "s/^$1=//p" "$run/resources.env"; }

until [ -s "$run/resources.json" ] && curl -fsS -o /dev/null --max-time 2 "$gateway/health" 2>/dev/null; do
  if ! kill -0 $apphost 2>/dev/null; then
    wait $apphost && fail "it stopped before it was ready" || exit $?
  fi
  sleep 0.1
done
