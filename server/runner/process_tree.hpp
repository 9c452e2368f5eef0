// Which processes belong to an agent, and taking them down for good.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/json/json.hpp"
#include "server/runner/child_process.hpp"
#include "server/runner/loop.hpp"

namespace tutti::runner {

/// A process as /proc shows it. Id and start time together are never used twice.
struct ProcessInfo {
  int pid = 0;
  int parent = 0;
  int group = 0;
  int session = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot
  char state = '?';
  bool run_host = false;  ///< a run-host, of this session or another

  bool dead() const { return state == 'Z' || state == 'X'; }
};

/// The living processes of this machine that this user may see, in order of id.
std::vector<ProcessInfo> listProcesses();
/// One of them, or pid 0.
ProcessInfo readProcess(int pid);

/// All descendants of `root` among `all`, without those that are run-hosts and what is below these:
/// they belong to other sessions. Dead ones (zombies) are left out, their children are not.
std::vector<ProcessInfo> descendants(const std::vector<ProcessInfo>& all, int root);

/// {"pid","pgid","sid","start_time"}: enough to know a process and its group again.
Json processJson(int pid);

/// Sends `signal` to exactly that process: nothing happens if its id has been given to another.
/// Returns whether it was sent.
bool signalProcess(const ProcessInfo& process, int signal);

/// What taking a tree down looked like.
struct StopReport {
  std::vector<std::string> signal_sent;  ///< "SIGTERM", "SIGKILL", in order
  std::int64_t members = 0;              ///< processes seen
  std::vector<int> survivors;            ///< still there at the end (in the kernel's hands)
  std::int64_t took_ms = 0;
};

/// Ends all descendants of this process (a subreaper): SIGTERM, SIGKILL after the grace to those
/// still alive, until a look at the process table finds none. New members meet the same end.
class TreeStop {
 public:
  using Done = std::function<void(const StopReport&)>;

  TreeStop(Loop& loop, const ChildReaper& reaper);
  ~TreeStop();
  /// `done` is called from the loop, never from within. Once at a time.
  void start(std::int64_t grace_ms, Done done);
  bool active() const { return static_cast<bool>(done_); }
  /// Something was reaped: look now.
  void wake();

 private:
  void look();
  void signalAll(const std::vector<ProcessInfo>& members);
  void finish(const std::vector<ProcessInfo>& left);
  std::int64_t elapsed() const;

  const ChildReaper& reaper_;
  std::unique_ptr<Loop::Timer> timer_;
  Done done_;
  StopReport report_;
  std::set<std::pair<int, std::uint64_t>> seen_;
  std::int64_t grace_ms_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t pause_ms_ = 0;
  bool killing_ = false;
};

/// {"signal_sent","members","survivors","took_ms"}.
Json toJson(const StopReport& report);

/// Milliseconds of a clock that only goes forward.
std::int64_t steadyMillis();

}  // namespace tutti::runner
