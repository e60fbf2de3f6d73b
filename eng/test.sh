#!/usr/bin/env bash
# Sets up what is missing, builds everything, and runs all tests. The last line is `N passed, N failed`.
# eng/test.sh NAME ... runs only the test projects with one of the words in their name; eng/test.sh --containers runs
# the product with Redis and PostgreSQL in containers instead.
set -uo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

if [ "${1:-}" = --containers ]; then exec eng/containers/test.sh "${@:2}"; fi
ensure_tools
build Inventory.Aspire.sln Release

results=$root/artifacts/tests
rm -rf "$results" && mkdir -p "$results"
passed=0 failed=0 broken=()
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  dll=$root/artifacts/bin/$name/release/$name.dll
  grep -q '<IsTestProject>false' "$project" && continue
  if [ $# -gt 0 ]; then
    wanted=
    for word in "$@"; do [[ $name == *$word* ]] && wanted=yes; done
    [ -n "$wanted" ] || continue
  fi
  started=$SECONDS
  dotnet test "$dll" --nologo --blame-hang-timeout 5m --results-directory "$results/$name" >"$results/$name.log" 2>&1
  code=$?
  summary=$(grep -E '^(Passed|Failed)! ' "$results/$name.log" | tail -n 1)
  p=$(sed -nE 's/.*Passed: +([0-9]+).*/\1/p' <<<"$summary")
  f=$(sed -nE 's/.*Failed: +([0-9]+).*/\1/p' <<<"$summary")
  s=$(sed -nE 's/.*Skipped: +([0-9]+).*/\1/p' <<<"$summary")
  # A run without a verdict (a crash, a hang, no test found) and a skipped test are failures.
  if [ -z "$summary" ] || [ "${s:-0}" -gt 0 ] || { [ $code -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then f=$((${f:-0} + 1)); fi
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
  printf '%-36s %5s passed %3s failed %4s s\n' "$name" "${p:-0}" "${f:-0}" "$((SECONDS - started))"
  if [ "${f:-0}" -gt 0 ]; then
    broken+=("$name")
    grep -vE '^(Test run for|A total of|VSTest|Starting test)' "$results/$name.log" | head -n 200
  fi
done

[ ${#broken[@]} -gt 0 ] && say "Failing: ${broken[*]}. Logs are in artifacts/tests."
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
