#!/usr/bin/env bash
# Protocol benches: ours, the official TypeScript SDK v2 and a bare Beast server, in one run.
# usage: tests/bench/run.sh [BUILD_DIR] [SECONDS]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
build="${1:-$root/build/release}"
seconds="${2:-5}"
bin="$build/tests/bench"

command -v wrk >/dev/null || { echo "installing wrk" >&2; sudo -n apt-get install -y -q wrk >&2 || apt-get install -y -q wrk >&2; }
[ -f "$build/build.ninja" ] || cmake --preset release -S "$root" -B "$build" >&2
ninja -C "$build" -j2 bench_protocol >&2
[ -d "$here/node_modules" ] || npm ci --prefix "$here" --no-audit --no-fund >&2

work="$(mktemp -d)"
pids=()
rates_ours_legacy="" rates_ts_legacy="" rates_ours_modern="" rates_ts_modern="" rates_responder=""
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

body='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}'
cat >"$work/call.lua" <<LUA
wrk.method = "POST"
wrk.body = [[$body]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = "echo"
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("result %.0f %.3f %.3f %d", summary.requests / summary.duration * 1e6,
                      latency:percentile(50) / 1000, latency:percentile(99) / 1000, bad))
end
LUA

sed -e 's|"method":"tools/call"|"method":"tools/list"|' -e 's|"name":"echo","arguments":{"text":"hello"},||' \
  -e 's|"Mcp-Method"\] = "tools/call"|"Mcp-Method"] = "tools/list"|' -e '/"Mcp-Name"/d' "$work/call.lua" > "$work/list.lua"

# start NAME COMMAND…: starts a server that prints its port; sets `port` and `pid`.
start() {
  local name="$1"
  shift
  "$@" >"$work/$name.port" 2>"$work/$name.log" &
  pid=$!
  pids+=("$pid")
  for _ in $(seq 200); do
    [ -s "$work/$name.port" ] && break
    sleep 0.05
  done
  port="$(head -1 "$work/$name.port")"
}

# http NAME CONNECTIONS [WHAT]: prints a row and sets rate_NAME and p99_NAME. WHAT: call or list.
http() {
  local name="$1" connections="$2" script="$work/${3:-call}.lua" before after
  wrk -t1 -c"$connections" -d1s -s "$script" "http://127.0.0.1:$port/mcp" >/dev/null
  before="$(cut -d' ' -f14,15 "/proc/$pid/stat")"
  read -r _ rate p50 p99 bad < <(wrk -t1 -c"$connections" -d"${seconds}s" -s "$script" \
    "http://127.0.0.1:$port/mcp" | grep '^result')
  after="$(cut -d' ' -f14,15 "/proc/$pid/stat")"
  local cpu rss
  cpu="$(awk -v a="$before" -v b="$after" -v n="$rate" -v s="$seconds" \
    'BEGIN{split(a,x," ");split(b,y," ");t=(y[1]+y[2]-x[1]-x[2])/100;printf "%.0f", (t > 0 ? n * s / t : 0)}')"
  rss="$(awk '/VmRSS/{print $2}' "/proc/$pid/status")"
  printf '%-26s %10s/s  per CPU-s %8s  p50 %7s ms  p99 %8s ms  RSS %7s kB  errors %s\n' \
    "$name" "$rate" "$cpu" "$p50" "$p99" "$rss" "$bad"
  eval "rate_$name=$rate p99_$name=$p99 cpu_$name=$cpu"
}

# stdio NAME ERA COMMAND…: prints a row and adds its rate to rates_NAME, and to per_cpu_NAME what a second of the
# server's processor time answers.
stdio() {
  local name="$1" era="$2"
  shift 2
  local line
  line="$("$bin/bench_stdio_driver" "$seconds" 64 "$era" "$@")"
  printf '%-26s %s\n' "$name" "$line"
  eval "rates_$name+=\" $(sed -E 's/.*"per_s":([0-9]+).*/\1/' <<<"$line")\""
  eval "per_cpu_$name+=\" $(jq -r --argjson s "$seconds" '.per_s * $s / .cpu_s | floor' <<<"$line")\""
}

# median_of VARIABLE: of the numbers in it.
# shellcheck disable=SC2086 # a list of numbers
median_of() { median ${!1-}; }
# median RATE RATE RATE
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN{printf "%.2f", a/b}'; }

echo "== HTTP, tools/call of echo, 2026-07-28, 16 connections, ${seconds}s each"
start beast "$bin/bench_beast_echo"
http beast 16
kill "$pid"
start ours "$bin/bench_mcp_server" http
http ours 16
http ours_list 16 list
kill "$pid"
start beast2 "$bin/bench_beast_echo"
http beast2 16
kill "$pid"
start ts node "$here/ts_server.mjs" http
http ts 16
kill "$pid"

echo "== stdio, tools/call of echo, 64 in flight, three rounds, ${seconds}s each"
# In turns, and the median counts: what else the machine does hits both alike.
for _ in 1 2 3; do
  for era in legacy modern; do
    stdio "ours_$era" "$era" "$bin/bench_mcp_server" stdio
    stdio "ours_${era}_list" "$era-list" "$bin/bench_mcp_server" stdio
    stdio "ts_$era" "$era" node "$here/ts_server.mjs" stdio
  done
done
stdio responder legacy "$bin/bench_line_responder"

for name in ours_legacy ts_legacy ours_modern ts_modern responder; do
  rates="rates_$name"
  # shellcheck disable=SC2086 # a list of numbers
  eval "rate_$name=$(median ${!rates})"
done

echo "== ratios"
printf 'HTTP ours / TS SDK v2        %8s  (target 60)\n' "$(ratio "$rate_ours" "$rate_ts")"
printf 'HTTP ours / bare Beast       %8s  (target 0.70)\n' \
  "$(awk -v a="$rate_ours" -v b="$rate_beast" -v c="$rate_beast2" 'BEGIN{printf "%.2f", 2*a/(b+c)}')"
printf 'HTTP ours / Beast per CPU-s  %8s  (target 0.90)\n' \
  "$(awk -v a="$cpu_ours" -v b="$cpu_beast" -v c="$cpu_beast2" 'BEGIN{printf "%.2f", 2*a/(b+c)}')"
printf 'HTTP ours p99                %8s ms (target 1)\n' "$p99_ours"
printf 'HTTP tools/list / tools/call %8s  (target 1.2)\n' "$(ratio "$rate_ours_list" "$rate_ours")"
printf 'stdio legacy ours / TS       %8s  (target 20)\n' "$(ratio "$rate_ours_legacy" "$rate_ts_legacy")"
printf 'stdio modern ours / TS       %8s  (target 20)\n' "$(ratio "$rate_ours_modern" "$rate_ts_modern")"
# Per second of the server's time: who drives it is the slower of the two.
for era in legacy modern; do
  printf 'stdio %s list / call per CPU-s %4s  (target 1.2)\n' "$era" \
    "$(ratio "$(median_of "per_cpu_ours_${era}_list")" "$(median_of "per_cpu_ours_$era")")"
done
printf 'stdio legacy ours / ceiling  %8s  (target 0.30)\n' "$(ratio "$rate_ours_legacy" "$rate_responder")"

echo "== event streams"
ninja -C "$build" -j2 conformance_fixture >&2
node "$here/streams.mjs" "$build/tests/conformance_fixture"
