# Sourced by the scripts beside it: finds the tools, installs them from Debian's packages, or prints how to do so.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

postgres_bin() {
  command -v postgres || ls -1 /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1
}

ensure_sdk() {
  command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: see https://dotnet.microsoft.com/download"
  case "$(dotnet --version 2>/dev/null)" in
    10.*) ;;
    *) fail "the .NET 10 SDK is missing; found: $(dotnet --version 2>/dev/null || echo none)" ;;
  esac
}

# ensure_tools COMMAND:PACKAGE ...: installs all missing packages at once.
ensure_tools() {
  ensure_sdk
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ -n "$(postgres_bin)" ] || missing+=(postgresql)
  local pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -eq 0 ] && return

  if ! may_install; then
    fail "missing: ${missing[*]}. Install with: sudo apt-get install -y ${missing[*]}"
  fi
  say "Installing ${missing[*]} ..."
  local log
  log=$(mktemp)
  # Packages may start a server of their own; these scripts use only servers that they start themselves.
  if ! { as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq "${missing[@]}"; } \
      >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "could not install ${missing[*]}"
  fi
  rm -f "$log"
}

# aspire COMMAND ARGUMENT ...: runs Aspire's command line, in the version that the checkout names, on its AppHost.
restore_aspire() {
  (cd "$root" && dotnet tool restore >/dev/null) || fail "could not restore Aspire's command line (.config/dotnet-tools.json)"
}
aspire() {
  restore_aspire
  (cd "$root" && ASPIRE_CLI_TELEMETRY_OPTOUT=1 dotnet aspire "$1" --apphost Inventory.AppHost/Inventory.AppHost.csproj \
    --non-interactive --nologo "${@:2}")
}

# is_running: whether the product runs in this checkout. An AppHost that was killed has left its endpoints.env.
is_running() {
  local endpoints=$root/artifacts/run/endpoints.env
  [ -s "$endpoints" ] && (. "$endpoints" && curl -s -m 5 -o /dev/null "$GATEWAY_URL/alive")
}

# sources: prints a hash of the commit and everything that differs from it; nothing outside a checkout.
sources() {
  git -C "$root" rev-parse HEAD >/dev/null 2>&1 || return 0
  {
    dotnet --version
    git -C "$root" rev-parse HEAD
    git -C "$root" diff HEAD
    git -C "$root" ls-files --others --exclude-standard -z | (cd "$root" && xargs -0 -r sha1sum)
  } | sha1sum
}

# build PROJECT CONFIGURATION: prints the compiler's messages only on failure. A project that was built from the same
# sources is not built again: asking the compiler whether anything changed takes longer than a start.
build() {
  local name log stamp now started=$SECONDS
  name=$(basename "$1")
  log="$root/artifacts/build-$name.log" stamp="$root/artifacts/build-$name-$2.stamp"
  mkdir -p "$root/artifacts"
  now=$(sources)
  if [ -n "$now" ] && [ "$now" = "$(cat "$stamp" 2>/dev/null)" ]; then return; fi
  rm -f "$stamp"
  say "Building $name ($2); the first time takes a minute ..."
  if ! dotnet build "$1" -c "$2" -v quiet -nologo -clp:NoSummary >"$log" 2>&1; then
    grep -E 'error|warning' "$log" | sort -u | head -n 30 >&2
    [ -s "$log" ] || say "(no output)" >&2
    fail "the build failed; all of it is in artifacts/build-$name.log"
  fi
  [ -z "$now" ] || echo "$now" >"$stamp"
  say "Built in $((SECONDS - started)) s."
}
