// One tutti process and the way to talk to it: over its pipes, or over HTTP.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/json/json.hpp"
#include "tests/crash/world.hpp"

namespace tutti::crash {

/// The answer to one tools/call.
struct Answer {
  std::int64_t id = 0;
  bool is_error = false;
  Json body;  ///< structured content, or the error object {name, message, hint}
};

/// A running tutti. Used on one thread. Kills its process, and waits for it, when it goes.
class Client {
 public:
  enum class Face { Stdio, Http };
  Client(const World& world, Face face);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool up() const { return up_; }  ///< it takes calls
  pid_t pid() const { return pid_; }
  /// How many calls may be under way.
  std::size_t callsMax() const { return face_ == Face::Stdio ? 6 : 1; }

  /// Sends a call; its id. Nothing when the server is gone.
  std::optional<std::int64_t> send(const std::string& tool, const Json& arguments);
  /// Answers that come within `ms` (0: those that are there already). `open` becomes false when the
  /// server will answer no more.
  std::vector<Answer> receive(int ms, bool& open);
  /// One call and its answer, at most `ms` later.
  std::optional<Answer> call(const std::string& tool, const Json& arguments, int ms);

  void kill();
  /// Asks it to leave, as a client's end does. The exit status, or nothing when it did not go
  /// within `ms`.
  std::optional<int> leave(int ms);

 private:
  void spawn(const World& world);
  void greet();
  void awaitPort();
  bool connectHttp();
  bool sendHttp(const std::string& tool, const std::string& body);
  std::vector<std::string> messages();

  const Face face_;
  bool up_ = false;
  pid_t pid_ = -1;
  Fd input_;   ///< the server's stdin
  Fd output_;  ///< its stdout, or the HTTP connection
  Fd errors_;  ///< its stderr (HTTP only, where the port is told)
  int port_ = 0;
  std::int64_t next_id_ = 1;
  std::string pending_;
};

}  // namespace tutti::crash
