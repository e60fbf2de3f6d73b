#!/usr/bin/env bash
# Sets up what is missing, builds, and runs the whole product until Ctrl+C, with the AppHost's own arguments.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

case "${1:-}" in
  -h | --help)
    say "usage: eng/run.sh [--fresh] [--port 8080] [--replicas 2] [--folder artifacts/run]"
    say "                  [--containers true|false] [--postgres-tag 18.3] [--telemetry true|false]"
    say "Data survives; --fresh begins anew. Another port than 8080 makes a second run beside the first."
    exit 0 ;;
esac

# Where packages can't be installed, the AppHost says whether a server is missing: with a container engine it needs none.
if may_install; then ensure_tools curl:curl; else ensure_sdk; fi
build Inventory.AppHost Release
cd Inventory.AppHost
exec env DOTNET_ENVIRONMENT=Development ASPNETCORE_ENVIRONMENT=Development \
  dotnet ../artifacts/bin/Inventory.AppHost/release/Inventory.AppHost.dll "$@"
