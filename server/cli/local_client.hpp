// An MCP client in this process, for commands: it speaks the real protocol over a socket pair, so
// that a command and a client see the same tools, checks and errors.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "server/cli/application.hpp"
#include "server/json/json.hpp"

namespace tutti::cli {

/// The answer to one request, as JSON-RPC gave it.
struct Answer {
  Json result;  ///< null when there is an error
  Json error;   ///< the JSON-RPC error, or null
};

/// Opens an application, serves it one client, and lets that client ask. Used on one thread, which
/// runs the loop while it waits.
class LocalClient {
 public:
  static Result<std::unique_ptr<LocalClient>> open(const Settings& settings);
  ~LocalClient();

  /// Runs the loop until every mounted server has its tools offered or has failed, bounded.
  void awaitMounts();
  /// Sends one request (modern, self-describing) and runs the loop until its answer is there.
  /// `progress` gets each progress message. SIGINT and SIGTERM end the wait with an error.
  Answer ask(const std::string& method, Json params,
             std::function<void(const std::string& message)> progress = {});
  /// A tools/call; its structured content, or {content} of a tool that has none, or its error.
  Answer call(const std::string& tool, Json arguments,
              std::function<void(const std::string& message)> progress = {});
  /// Carries out what was promised (a start that is on disk but not yet begun), bounded.
  void close();

 private:
  struct Impl;
  explicit LocalClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::cli
