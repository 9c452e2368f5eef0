#!/usr/bin/env bash
# From a fresh checkout on Debian 12 to an agent's result, over the real MCP wire:
#   1. installs the Debian packages that are missing, and no others
#   2. builds tutti (release, without tests)
#   3. starts it as an MCP server over stdio, has it start the agent repo-survey on this checkout,
#      shows its events as they come, and prints the result
#   4. says how to give tutti to Claude Code
# May be run from any folder and any number of times. TUTTI_BIN names a tutti to use instead of building.
set -euo pipefail

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
build=$root/build/release
packages=(
  cmake ninja-build ccache clang-16 lld-16 git jq
  libboost1.81-dev libboost-filesystem1.81-dev libcli11-dev libfmt-dev libre2-dev libspdlog-dev
  libhnswlib-dev libsodium-dev libsqlite3-dev libssl-dev libyaml-cpp-dev
  nlohmann-json3-dev
)

say() { printf '\n== %s\n' "$*"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

# --- 1. packages ------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo > /dev/null; then sudo "$@"
  else die "missing packages: ${missing[*]}; run this as root, or: apt-get install ${missing[*]}"; fi
}

install_missing() {
  missing=()
  if ! command -v dpkg-query > /dev/null; then
    echo "no Debian here: I take it that the tools and libraries are installed (${packages[*]})"
    return
  fi
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then echo "nothing is missing"; return; fi
  echo "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q < /dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" < /dev/null
}

# --- 2. build ---------------------------------------------------------------------------------------

# A compiler takes up to 1 GB: fewer at once where there is little memory.
jobs() {
  local free_gb processors
  free_gb=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  processors=$(nproc)
  echo $(( free_gb < 1 ? 1 : free_gb < processors ? free_gb : processors ))
}

build_tutti() {
  cmake -S "$root" --preset release -B "$build" -DTUTTI_TESTS=OFF < /dev/null > "$work/configure.log" \
    || { cat "$work/configure.log"; die "cmake failed"; }
  ninja -C "$build" -j "$(jobs)" tutti < /dev/null
}

# --- 3. an agent over MCP ---------------------------------------------------------------------------

last_id=0

# Sends one request and waits for its answer; what comes between (notifications) is passed over.
request() { # method params-json -> $answer
  local line
  last_id=$((last_id + 1))
  jq -nc --arg method "$1" --argjson params "$2" --argjson id "$last_id" \
    '{jsonrpc: "2.0", $id, $method, $params}' >&"${mcp[1]}"
  while IFS= read -r -t 120 line <&"${mcp[0]}"; do
    answer=$(jq -c --argjson id "$last_id" 'select(.id == $id)' <<< "$line")
    [ -z "$answer" ] && continue
    jq -e 'has("result")' <<< "$answer" > /dev/null || die "$1 was refused: $(jq -c .error <<< "$answer")"
    return
  done
  die "tutti gave no answer to $1: $(cat "$work/tutti.log")"
}

# Calls a tool and leaves its structured result in $result.
tool() { # name arguments-json
  request tools/call "$(jq -nc --arg name "$1" --argjson arguments "$2" '{$name, $arguments}')"
  result=$(jq -c .result.structuredContent <<< "$answer")
  if jq -e '.result.isError == true' <<< "$answer" > /dev/null; then
    die "$1 failed: $(jq -r '.result.content[0].text' <<< "$answer")"
  fi
}

start_server() {
  coproc tutti_server { exec "$tutti" stdio --data "$work/data" 2> "$work/tutti.log"; }
  mcp=("${tutti_server[0]}" "${tutti_server[1]}")
  server_pid=$tutti_server_PID
  request initialize '{"protocolVersion": "2025-11-25", "capabilities": {},
    "clientInfo": {"name": "quickstart", "version": "1"}}'
  jq -r '"\(.result.serverInfo.name) \(.result.serverInfo.version), MCP \(.result.protocolVersion)"' <<< "$answer"
  printf '{"jsonrpc":"2.0","method":"notifications/initialized"}\n' >&"${mcp[1]}"
}

progress() { # text
  if [ -t 1 ]; then printf '\r\033[K%s' "$1"; fi
}

# Shows the session's events until its run is over.
follow() { # session-id
  local cursor="" status=running line count=0
  while :; do
    tool get_events "$(jq -nc --arg session_id "$1" --arg cursor "$cursor" '{$session_id, $cursor, wait_s: 1}')"
    while IFS= read -r line; do
      [ -z "$line" ] && continue
      count=$((count + 1))
      progress ""
      printf '  %s\n' "$line"
    done < <(jq -r '.events[] | (.timestamp | .[11:23]) as $at
        | del(.id, .timestamp, .session_id, .run_id) as $rest
        | "\($at)  \(.event_type)  \($rest | del(.event_type) | tojson | if . == "{}" then "" else .[0:100] end)"' <<< "$result")
    cursor=$(jq -r .next_cursor <<< "$result")
    status=$(jq -r .session_status <<< "$result")
    progress "  … $status, $count events, ${SECONDS}s"
    case $status in idle | finished | stopped | failed)
      [ "$(jq -r .has_more <<< "$result")" = false ] && break ;;
    esac
  done
  progress ""
}

print_survey() {
  jq -r '
    def n: tostring | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",");
    def row($cells): $cells | map(tostring) | "  " + join("  ");
    def left($width): tostring + " " * ([$width - (tostring | length), 0] | max);
    def right($width): " " * ([$width - (tostring | length), 0] | max) + tostring;
    def plain: gsub("[[:cntrl:]]"; "?");
    "\(.path)",
    (if .last_commit then "branch \(.branch // "none"), last commit \(.last_commit.id[0:9]) \(.last_commit.subject | plain)" else empty end),
    "\(.files | n) files, \(.lines | n) lines, \(.bytes | n) bytes, \(.binary_files | n) binary",
    "", "Languages", row(["language" | left(22)] + (["files", "lines", "code"] | map(right(9)))),
    (.languages[0:8][] | row([.name | left(22)] + ([.files, .lines, .code_lines] | map(n | right(9))))),
    "", "Largest files", (.largest_files[] | row([.bytes | n | right(12)] + [.path | plain])),
    "", "Open comments: \(.todos.count | n)", (.todos.items[] | row(["\(.path | plain):\(.line)", .text | plain])),
    (.churn // empty | "", "Changed most in \(.days) days (\(.commits | n) commits, +\(.added | n) -\(.deleted | n))",
      (.files[] | row(["+\(.added | n)" | right(9)] + ["-\(.deleted | n)" | right(9)] + [.path | plain]))),
    "", (.notes[] | "note: \(.)"), "surveyed in \(.elapsed_ms) ms"' <<< "$1"
}

run_agent() {
  start_server
  local arguments session
  arguments=$(jq -nc --arg dir "$root" '{blueprint: "repo-survey", parameters: {$dir, top: 5}, project_dir: $dir}')
  echo "start_agent $arguments"
  tool start_agent "$arguments"
  session=$(jq -r .session_id <<< "$result")
  echo "$session is on disk and starting"
  follow "$session"
  tool get_result "$(jq -nc --arg session_id "$session" '{$session_id, wait_s: 60}')"
  [ "$(jq -r .status <<< "$result")" = completed ] \
    || die "the run is $(jq -r '"\(.status): \(.error.message // "no reason given")"' <<< "$result")"
  say "Result"
  print_survey "$(jq -c .result_data <<< "$result")"
}

stop_server() {
  if [ -z "${server_pid:-}" ]; then return; fi
  exec {mcp[1]}>&- 2> /dev/null || true
  kill "$server_pid" 2> /dev/null || true
  wait "$server_pid" 2> /dev/null || true
  server_pid=
}

work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT

say "Packages"
if [ -n "${TUTTI_BIN:-}" ]; then install_missing jq; else install_missing "${packages[@]}"; fi
tutti=${TUTTI_BIN:-$build/tutti}
if [ -z "${TUTTI_BIN:-}" ]; then
  say "Build"
  build_tutti
fi

say "An agent over MCP"
run_agent
stop_server

say "Next"
if command -v claude > /dev/null; then
  cat << END
Claude Code is installed. To have tutti start it:
  $tutti call start_agent '{"blueprint": "claude", "prompt": "Say what this project is", "project_dir": "$root", "mode": "sync"}'
END
else
  echo "With Claude Code installed, tutti can start that too (blueprint claude)."
fi
cat << END
To give tutti to Claude Code, paste:
  claude mcp add tutti -- $tutti stdio
END
