// Starting one child, and learning how children end. For the single-threaded run-host only: a
// threaded server starts its hosts with spawnHost().
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"

namespace tutti::runner {

struct ChildCommand {
  std::vector<std::string> argv;         ///< argv[0] a path: nothing is searched in PATH
  std::vector<std::string> environment;  ///< "NAME=value", the whole of it
  std::string folder;                    ///< working folder
  bool stdin_piped = false;              ///< otherwise /dev/null
};

/// A child in a process group of its own, which dies with this process, with only the descriptors
/// below. The parent's ends are non-blocking and close-on-exec.
struct ChildProcess {
  int pid = -1;  ///< also the id of its process group
  Fd stdin_pipe;
  Fd stdout_pipe;
  Fd stderr_pipe;

  /// Returns when the program runs or could not be started. Errors: FailedPrecondition
  /// "agent_not_found" / "agent_not_executable" / "project_dir_missing", InvalidArgument
  /// "arguments_too_long", ResourceExhausted "process_limit", Internal.
  static Result<ChildProcess> start(const ChildCommand& command);
};

struct ChildExit {
  int code = 0;    ///< meaningful when signal is 0
  int signal = 0;  ///< that ended it, or 0

  bool success() const { return code == 0 && signal == 0; }
  std::string text() const;  ///< "exited with status 1", "was killed by signal 9 (Killed)"
};

/// Collects every child of this process, adopted ones too, and tells who asked for one.
class ChildReaper {
 public:
  using Ended = std::function<void(ChildExit)>;

  void expect(int pid, Ended ended) {
    expected_[pid] = std::move(ended);
    childless_ = false;
  }
  void forget(int pid) { expected_.erase(pid); }
  /// To be called after SIGCHLD. Calls back from within.
  void reap();
  /// True only when this process has no child at all, living or dead: as a subreaper it then has no
  /// descendant either.
  bool childless() const { return childless_; }

 private:
  std::map<int, Ended> expected_;
  bool childless_ = true;
};

/// Sets O_NONBLOCK. Never on a descriptor that somebody else shares.
void setNonBlocking(int fd);

}  // namespace tutti::runner
