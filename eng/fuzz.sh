#!/usr/bin/env bash
# Sends the whole product what strangers may send, and checks every answer against its own OpenAPI document: docs/fuzzing.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/fuzz.sh [--minutes N] [--seed S]   default: 5 minutes, today's date as the seed"
minutes=5 seed=''
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=${2:?$usage}; shift ;;
    --seed) seed=${2:?$usage}; shift ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) fail "unknown argument $1; $usage" ;;
  esac
  shift
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--minutes takes a number; $usage"
[[ ${seed:=$(date +%Y%m%d)} =~ ^[0-9]+$ ]] || fail "--seed takes a whole number; $usage"

ensure_tools
build tests/Inventory.Fuzz Release
exec dotnet artifacts/bin/Inventory.Fuzz/release/Inventory.Fuzz.dll "$minutes" "$root/artifacts/fuzz" "$seed"
