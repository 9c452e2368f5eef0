// Calls one tool of an MCP server named in --mcp-config, as a model inside Claude Code would.
#pragma once

#include <string>

namespace fake_claude {

/// Starts the stdio server `server` of `config` ({"mcpServers":{…}}), calls `tool` with the JSON
/// object `arguments`, and gives what Claude's model would read: structuredContent if there is any,
/// else the first text. On any failure a text that starts with "mcp error: ".
std::string callMcpTool(const std::string& config, const std::string& server,
                        const std::string& tool, const std::string& arguments);

}  // namespace fake_claude
