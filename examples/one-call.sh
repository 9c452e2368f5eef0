#!/usr/bin/env bash
# Two ways to make one call from a script. TUTTI_BIN names the program; default: tutti on PATH.
set -euo pipefail
tutti=${TUTTI_BIN:-tutti}

# 1. The command for it: the result as JSON on stdout, an error on stderr; the exit status says how it went.
"$tutti" call --quiet start_agent '{"blueprint": "repo-survey", "mode": "sync", "parameters": {"top": 1}}'

# 2. The bare protocol: a server for as long as the pipe is open. MCP 2026-07-28 needs no handshake.
echo '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
  "name": "list_sessions", "arguments": {"limit": 1},
  "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "script", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}' | tr -d '\n' | "$tutti" stdio
