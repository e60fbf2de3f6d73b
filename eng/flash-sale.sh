#!/usr/bin/env bash
# Runs a flash sale: all buyers come at once for a few units, and a check at the end proves that none was sold twice.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/flash-sale.sh [--buyers 5000] [--units 100]"
case "${1:-}" in -h | --help) say "$usage"; exit 0 ;; esac

ensure_tools curl:curl
product=''
ended() { while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done; }
clean_up() {
  if [ -n "$product" ]; then kill -TERM "$product" 2>/dev/null || true; ended "$product"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

endpoints=artifacts/run/endpoints.env
if ! is_running; then
  rm -f $endpoints
  say "Nothing runs here yet: starting eng/run.sh for this sale ..."
  mkdir -p artifacts/run
  eng/run.sh >artifacts/run/flash-sale.log 2>&1 &
  product=$!
  until [ -s $endpoints ]; do
    kill -0 $product 2>/dev/null || { tail -n 5 artifacts/run/flash-sale.log >&2; fail "it did not start: artifacts/run/flash-sale.log"; }
    sleep 0.2
  done
fi
aspire resource gateway flash-sale "$@"
