#!/usr/bin/env bash
# Injects faults while the product sells, and proves that nothing was lost: docs/faults.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/faults.sh [--minutes N] [--seed S | --seeds A,B,C] [--bugs]   default: 5 minutes, today's date as the seed; --bugs: what the checker finds"
minutes=5 seeds='' bugs=''
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=${2:?$usage}; shift ;;
    --seed | --seeds) seeds=${2:?$usage}; shift ;;
    --bugs) bugs=yes ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) fail "unknown argument $1; $usage" ;;
  esac
  shift
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--minutes takes a number; $usage"
[[ ${seeds:=$(date +%Y%m%d)} =~ ^[0-9]+(,[0-9]+)*$ ]] || fail "--seed and --seeds take whole numbers; $usage"
if [ -n "$bugs" ]; then minutes=0.5 seeds=bugs; fi

ensure_tools
build tests/Inventory.Faults Release
# shellcheck disable=SC2086 # One argument for each seed.
exec dotnet artifacts/bin/Inventory.Faults/release/Inventory.Faults.dll "$minutes" "$root/artifacts/faults" ${seeds//,/ }
