#!/usr/bin/env bash
# Measures the product on this machine, beside its upper bounds and alternatives: docs/benchmarks/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/bench.sh [--quick] [--results FOLDER]   --quick takes 2 minutes, all of it 15; results go to docs/benchmarks"
quick='' results=$root/docs/benchmarks
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=--quick ;;
    --results) results=$(realpath -m "${2:?$usage}"); shift ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) fail "unknown argument $1; $usage" ;;
  esac
  shift
done

ensure_tools curl:curl wrk:wrk redis-benchmark:redis-tools pgbench:postgresql
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
  fail "port 8080 is taken: stop the product that runs there; two products at once would distort the figures"
fi
build Inventory.AppHost Release
build tests/load/Inventory.Load Release
restore_aspire

# The run's own data, on a disk and not in memory; it is deleted afterwards.
work=$(mktemp -d /var/tmp/inventory-bench-XXXXXX)
chmod 755 "$work"
apphost='' measuring=''
# ended PID: waits until a process that was told to stop has stopped. An interrupted wait returns at once.
ended() { while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done; }
clean_up() {
  if [ -n "$measuring" ]; then kill -TERM "$measuring" 2>/dev/null || true; ended "$measuring"; fi
  if [ -n "$apphost" ]; then kill -TERM "$apphost" 2>/dev/null || true; ended "$apphost"; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say "Starting the product ..."
# Telemetry is off, because it would be part of each figure; one measurement of its own turns it on.
eng/run.sh --folder "$work" --containers false --telemetry false >"$root/artifacts/bench.log" 2>&1 &
apphost=$!
until [ -s "$work/endpoints.env" ]; do
  kill -0 $apphost 2>/dev/null || fail "it stopped before it was ready: artifacts/bench.log"
  sleep 0.2
done

dotnet artifacts/bin/Inventory.Load/release/Inventory.Load.dll bench "$results" $quick &
measuring=$!
wait $measuring && status=0 || status=$?
measuring=''
exit "$status"
