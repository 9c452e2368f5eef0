// Claude Code's command line and the records it is sent.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/runner/spec.hpp"

namespace tutti::runner {

/// Where the MCP servers are written, in the host's folder.
constexpr char kMcpConfigFile[] = "mcp.json";

/// How a process is to begin: a new conversation with that id, or an earlier one.
struct ClaudeStart {
  enum class Kind { New, Resume };
  Kind kind = Kind::New;
  std::string session_id;
};

/// The arguments for one long-lived process. It gets the MCP servers of `spec` and no others: those
/// of the user's and the project's own settings stay out. MCP servers (their environment may hold
/// secrets, and arguments can be seen by everybody) and long system prompts go into files in
/// `folder`, written here for this user alone. Errors: as ioError.
Result<std::vector<std::string>> claudeArguments(const HostSpec& spec, const ClaudeStart& start,
                                                 const std::filesystem::path& folder);

// Records for its stdin, each one line with its end.

/// One prompt, which the model sees as it is: no @file is read into it, no /command run.
std::string userRecord(std::string_view prompt);
std::string interruptRecord(std::string_view request_id);
std::string allowRecord(std::string_view request_id, const Json& input);
std::string denyRecord(std::string_view request_id, std::string_view message);
std::string refusalRecord(std::string_view request_id, std::string_view why);

}  // namespace tutti::runner
