#!/usr/bin/env bash
# Takes the client configurations of examples/ as they stand and opens an MCP conversation with what each
# names. Usage: tests/examples_check.sh path/to/tutti
set -euo pipefail
exec < /dev/null

tutti=$(readlink -f "$1")
root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
examples=$root/examples
work=$(mktemp -d)
server_pid=
cleanup() {
  if [ -n "$server_pid" ]; then kill "$server_pid" 2> /dev/null || true; wait "$server_pid" 2> /dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

# The configurations say "tutti": give that name to the program under test.
mkdir "$work/bin" "$work/home"
ln -s "$tutti" "$work/bin/tutti"
export PATH=$work/bin:$PATH HOME=$work/home TUTTI_DATA=$work/data TUTTI_BIN=$tutti

initialize='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"examples","version":"1"}}}'
list='{"jsonrpc":"2.0","id":2,"method":"tools/list"}'

expect_tools() { # name answers-file
  jq -e -s '[.[] | select(.id == 2).result.tools[].name] | index("start_agent") != null' "$2" > /dev/null \
    || { echo "$1: no tools/list with start_agent in:"; cat "$2"; exit 1; }
  echo "$1: ok"
}

over_stdio() { # name command…
  local name=$1
  shift
  printf '%s\n' "$initialize" '{"jsonrpc":"2.0","method":"notifications/initialized"}' "$list" | timeout 60 "$@" > "$work/answers"
  expect_tools "$name" "$work/answers"
}

stdio_from_json() { # file filter
  mapfile -t command < <(jq -r "$2" "$examples/$1")
  over_stdio "$1" "${command[@]}"
}

stdio_from_json claude-code.mcp.json '.mcpServers.tutti | .command, .args[]'
stdio_from_json gemini.settings.json '.mcpServers.tutti | .command, .args[]'
stdio_from_json opencode.json '.mcp.tutti.command[]'

# TOML whose strings and lists are written as JSON writes them.
mapfile -t command < <(sed -nE 's/^(command|args) = (.*)$/\2/p' "$examples/codex.config.toml" | jq -r 'if type == "array" then .[] else . end')
over_stdio codex.config.toml "${command[@]}"

# The address is the default one; another port is used here because that one may be taken.
url=$(jq -r '.mcpServers.tutti.url' "$examples/claude-code-http.mcp.json")
[ "$url" = http://127.0.0.1:8765/mcp ] || { echo "claude-code-http.mcp.json names $url"; exit 1; }
tutti serve --port 0 --port-file "$work/port" 2> "$work/serve.log" &
server_pid=$!
for _ in $(seq 600); do
  [ -s "$work/port" ] && break
  kill -0 "$server_pid" || { cat "$work/serve.log"; exit 1; }
  sleep 0.05
done
address=http://127.0.0.1:$(tr -d '[:space:]' < "$work/port")
post() {
  curl -sS --max-time 30 -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' "$@" "$address/mcp"
}
post -D "$work/headers" -d "$initialize" > /dev/null
session=$(sed -nE 's/^mcp-session-id: *([^[:space:]]+).*/\1/Ip' "$work/headers")
post ${session:+-H "Mcp-Session-Id: $session"} -H 'MCP-Protocol-Version: 2025-06-18' -d "$list" \
  | sed 's/^data: //' | grep '^{' > "$work/answers"
expect_tools claude-code-http.mcp.json "$work/answers"
curl -sS --max-time 30 "$address/health" | jq -e . > /dev/null
echo "/health: ok"

# Its servers do not exist: each is named with the reason, and everything else works.
EXAMPLE_TOKEN=x REMOTE_TOKEN=y tutti --mcp-config "$examples/tool-servers.mcp.json" call list_tool_servers '{}' -q \
  | jq -e '[.servers[].name] == ["example", "remote"]' > /dev/null
echo "tool-servers.mcp.json: ok"

tutti --blueprints "$examples/blueprints" call list_blueprints '{"query": "codex"}' -q \
  | jq -e '.problems == [] and (.blueprints | map(.name) | index("codex")) != null' > /dev/null
echo "blueprints: ok"

# The programs on the library, where a build with tests has made them.
library=$(dirname "$tutti")/examples/library
if [ -x "$library/example_server" ]; then
  echo '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}' \
    | "$library/example_server" | jq -e '.result.structuredContent.sum == 3' > /dev/null
  "$library/example_client" "$address/mcp" list_blueprints '{"query":"survey"}' \
    | jq -e '.structuredContent.blueprints[0].name == "repo-survey"' > /dev/null
  echo "library: ok"
fi

(cd "$root" && bash "$examples/one-call.sh") > "$work/answers"
jq -e -s '.[0].status == "completed" and (.[1].result.structuredContent.sessions | length == 1)' "$work/answers" > /dev/null \
  || { echo "one-call.sh gave:"; cat "$work/answers"; exit 1; }
echo "one-call.sh: ok"
if command -v man > /dev/null; then
  man --warnings -l "$examples/tutti.1" 2> "$work/man" > /dev/null
  if [ -s "$work/man" ]; then cat "$work/man"; exit 1; fi
  echo "tutti.1: ok"
fi
