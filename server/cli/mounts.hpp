// The MCP servers that --mcp-config names, mounted on tutti's own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "server/cli/settings.hpp"
#include "server/mcp/server.hpp"
#include "server/toolhost/tool_host.hpp"

namespace tutti::cli {

/// Reads settings.mcp_config; nothing is started yet. Errors: those of readMountConfig().
Result<std::unique_ptr<toolhost::ToolHost>> openMounts(boost::asio::io_context& io,
                                                       const Settings& settings,
                                                       toolhost::ToolSink& sink);

}  // namespace tutti::cli
