#!/usr/bin/env bash
# The context store beside AOF's, with the same HTTP load in one run: pushes of small documents from 16
# callers, queries by tag, and an upload and a download of one large document. AOF does not sync its files.
#
#   tests/bench/documents_peer.sh TUTTI AOF_CHECKOUT [SECONDS [MEGABYTES]]      10 and 256 by default
#
# AOF_CHECKOUT: a clone of rawe/claude-agent-orchestrator. Needs wrk, curl, jq, and for AOF python3-fastapi,
# python3-uvicorn, python3-uvloop, python3-httptools and python3-multipart.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
tutti=$(readlink -f "${1:?usage: documents_peer.sh TUTTI AOF_CHECKOUT [SECONDS [MEGABYTES]]}")
aof=$(readlink -f "${2:?usage: documents_peer.sh TUTTI AOF_CHECKOUT [SECONDS [MEGABYTES]]}")
seconds=${3:-10}
megabytes=${4:-256}
folder=$(mktemp -d)
servers=()
finish() {
  for server in "${servers[@]}"; do
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  done
  rm -rf "$folder"
}
trap finish EXIT

awaitPort() {
  for _ in $(seq 600); do
    [ ! -s "$1" ] || return 0
    sleep 0.05
  done
  echo "no server said its port in $1" >&2
  return 1
}
load() { # NAME KIND URL: one line of wrk's answer
  wrk -t1 -c16 -d"$seconds"s --latency -s "$here/documents_load.lua" "$3" -- "$2" > "$folder/wrk"
  if grep 'Non-2xx' "$folder/wrk"; then exit 1; fi
  awk -v name="$1 $2" '/ 50%/ {p50 = $2} / 99%/ {p99 = $2} /Requests\/sec/ {rate = $2}
    END {print name ": " rate "/s, p50 " p50 ", p99 " p99}' "$folder/wrk"
}
processorSeconds() { awk -v tick="$(getconf CLK_TCK)" '{print ($14 + $15) / tick}' "/proc/$1/stat"; }
measure() { # NAME PROCESS URL
  load "$1" push "$3"
  load "$1" query "$3"
  local id put got
  id=$(curl -sf -H 'Content-Type: application/json' -d '{"filename":"large.bin"}' "$3/documents" | jq -r .id)
  put=$(curl -sf -o "$folder/answer" -w '%{time_total}' -T "$folder/large" "$3/documents/$id/content")
  got=$(curl -sf -o "$folder/copy" -w '%{time_total}' "$3/documents/$id")
  cmp "$folder/large" "$folder/copy"
  echo "$1: PUT $put s, GET $got s of $megabytes MB, $(processorSeconds "$2") s of processor in all," \
    "$(awk '/VmHWM/ {print int($2 / 1024)}' "/proc/$2/status") MB at most"
}

head -c "${megabytes}M" /dev/urandom > "$folder/large"
TUTTI_DATA="$folder/tutti" "$tutti" serve --port 0 --port-file "$folder/tutti_port" 2> "$folder/tutti_log" &
servers+=($!)
awaitPort "$folder/tutti_port"
measure tutti "${servers[0]}" "http://localhost:$(cat "$folder/tutti_port")"
/usr/bin/python3 "$here/aof_context_store.py" "$aof" "$folder/aof" "$folder/aof_port" 2> "$folder/aof_log" &
servers+=($!)
awaitPort "$folder/aof_port" || { cat "$folder/aof_log"; exit 1; }
measure AOF "${servers[1]}" "http://localhost:$(cat "$folder/aof_port")"
