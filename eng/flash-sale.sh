#!/usr/bin/env bash
# A flash sale to watch: buyers who all come at once for a few units, and at the end the proof that none was sold twice.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/flash-sale.sh [--buyers 5000] [--units 100]"
buyers=5000 units=100
number() { [[ ${1:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "not a number from 1 on: ${1:-nothing}; $usage"; echo "$1"; }
while [ $# -gt 0 ]; do
  case $1 in
    --buyers) buyers=$(number "${2:-}"); shift ;;
    --units) units=$(number "${2:-}"); shift ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) fail "unknown argument $1; $usage" ;;
  esac
  shift
done

run=$root/artifacts/run
ensure_tools curl:curl
product=''
ended() { while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done; }
clean_up() {
  if [ -n "$product" ]; then kill -TERM "$product" 2>/dev/null || true; ended "$product"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ ! -s "$run/endpoints.env" ] || ! curl -fsS -o /dev/null --max-time 2 http://localhost:8080/health 2>/dev/null; then
  say "Nothing runs here yet: starting eng/run.sh for this sale ..."
  mkdir -p "$run"
  eng/run.sh >"$run/flash-sale.log" 2>&1 &
  product=$!
  until [ -s "$run/endpoints.env" ]; do
    kill -0 $product 2>/dev/null || { tail -n 5 "$run/flash-sale.log" >&2; fail "it did not start: artifacts/run/flash-sale.log"; }
    sleep 0.2
  done
fi
build tests/load/Inventory.Load Release

dotnet artifacts/bin/Inventory.Load/release/Inventory.Load.dll flash-sale "$run/resources.json" "$buyers" "$units"
