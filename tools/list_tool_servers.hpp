#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// list_tool_servers: the MCP servers that tutti has mounted (--mcp-config), and how each fares.
/// Looks at what is in memory; asks no server anything.
struct ListToolServers {
  static constexpr const char* kName = "list_tool_servers";
  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
