// The tools there are, as an explicit list, and the toolsets that publish them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// A named group of tools that a user switches on.
struct Toolset {
  std::string_view name;
  std::string_view description;
};
const std::vector<Toolset>& toolsets();

/// What is published when nothing is said.
inline constexpr std::string_view kDefaultToolsets = "agents,sessions,documents,routing";

/// The tools that run as tasks and are not among the tools of `names`: their tasks are to be left
/// to another process.
std::vector<std::string> missingTaskTools(std::string_view names);
/// Is that one among them? False for names that addTools() refuses.
bool holdsToolset(std::string_view names, std::string_view toolset);

/// Adds the tools of `names` (comma-separated; "all" for every one) to `server`, in the list's
/// order. `schemas` gives a schema file's text by its name, as in "start_agent.input.json".
/// `context` must outlive the server's last call. Errors: InvalidArgument "unknown_toolset" with
/// the known ones.
Status addTools(mcp::Server& server, const Context& context, std::string_view names,
                const std::function<std::string(std::string_view)>& schemas);

}  // namespace tutti::tools
