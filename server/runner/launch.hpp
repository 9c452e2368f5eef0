// From a session's row to what its run-host needs: the program, its environment, its tools.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/agents/types.hpp"
#include "server/base/result.hpp"
#include "server/runner/spec.hpp"

namespace tutti::runner {

using Environment = std::map<std::string, std::string>;

/// This process's environment.
Environment currentEnvironment();

/// What every launch of this process shares.
struct LaunchContext {
  std::filesystem::path program;  ///< this program's own file
  std::filesystem::path store_folder;
  std::vector<std::string> stdio_arguments;  ///< further arguments of `tutti stdio` for agents
  std::string claude_command = "claude";     ///< looked up in PATH unless it has a slash
  Environment environment;                   ///< of this process
};

/// The absolute path of `name` in the PATH of `environment`, or "" when it is not there.
std::string findProgram(const std::string& name, const Environment& environment);

/// The command that runs `blueprint`, argv[0] absolute. Errors: FailedPrecondition
/// "agent_not_installed" naming the program and how to get it; InvalidArgument "bad_blueprint".
Result<std::vector<std::string>> resolveCommand(const agents::Blueprint& blueprint,
                                                const LaunchContext& context);

/// The allow-listed part of the environment that the agent of `blueprint` sees, with the session's
/// mark.
Environment agentEnvironment(const agents::Blueprint& blueprint, const agents::Session& session,
                             std::int64_t generation, const LaunchContext& context);

/// Everything for the run-host of `session`, continuing its conversation if it has one.
/// Errors: those of resolveCommand().
Result<HostSpec> makeHostSpec(const agents::Session& session, std::int64_t generation,
                              const Json& parameters, const LaunchContext& context);

/// One run for that host.
RunSpec makeRunSpec(const agents::Run& run, const agents::Blueprint& blueprint);

/// Replaces ${params.X} and ${runtime.session_id} in `text`; what is unknown stays as it is.
std::string fillPlaceholders(std::string_view text, const Json& parameters,
                             std::string_view session_id);

}  // namespace tutti::runner
