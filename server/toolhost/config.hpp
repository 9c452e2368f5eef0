// Which servers are mounted, and how: a file in the form of Claude Code's `mcpServers`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/toolhost/guard.hpp"

namespace tutti::toolhost {

/// Which of a server's tools, prompts or resources are offered, and under what name. Patterns may
/// have `*`.
struct Filter {
  std::vector<std::string> allow;  ///< empty: all
  std::vector<std::string> deny;   ///< wins over allow
  std::map<std::string, std::string> rename;

  bool allows(std::string_view name) const;
  /// The name to offer it by, without the prefix.
  const std::string& nameOf(const std::string& name) const;
};

struct MountLimits {
  ProcessLimits process;
  std::size_t in_flight_max = 64;                     ///< calls at a time
  std::size_t message_bytes_max = 16U * 1024 * 1024;  ///< of one answer
  // Of what is offered; the rest is left out, and said.
  std::size_t tools_max = 512;
  std::size_t prompts_max = 256;
  std::size_t resources_max = 1000;  ///< and as many templates
};

/// One entry of the file. `problem` says why it cannot be mounted; the others are all the same.
struct MountSpec {
  enum class Kind { Stdio, Http };
  std::string name;  ///< as in the file
  Kind kind = Kind::Stdio;
  std::string command;
  std::vector<std::string> arguments;
  std::string folder;
  std::vector<std::string> environment;  ///< "NAME=value", the whole of it
  std::string url;
  bool old_sse = false;  ///< the HTTP+SSE transport of 2024-11-05
  std::string ca_file;   ///< PEM: whom to trust over https, instead of whom the system trusts
  std::vector<std::pair<std::string, std::string>> headers;
  Filter tools;
  Filter prompts;
  Filter resources;  ///< by URI; templates by their text; renames nothing
  MountLimits limits;
  /// One running copy for all processes of tutti over one store. Stdio only.
  bool share = true;
  double timeout_s = 60;  ///< of a call, without an answer or progress
  /// Values that came from references: never shown, also not in what the server prints.
  std::vector<std::string> secrets;
  std::string problem;
};

/// The value of a variable of tutti's own environment.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads the file. `${NAME}` and `${NAME:-otherwise}` in command, args, env, url and headers are
/// replaced. Errors: NotFound, InvalidArgument "invalid_mcp_config": only when the file as a whole
/// is not readable; what is wrong with one server is its `problem`.
Result<std::vector<MountSpec>> readMountConfig(const std::filesystem::path& file,
                                               const Lookup& lookup);
/// The same of its text.
Result<std::vector<MountSpec>> parseMountConfig(std::string_view text, const Lookup& lookup);

}  // namespace tutti::toolhost
