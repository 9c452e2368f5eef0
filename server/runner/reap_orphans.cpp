#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/runner/process_mark.hpp"
#include "server/runner/process_tree.hpp"
#include "server/runner/spool.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kStateBytesMax = 65'536;
constexpr std::size_t kEnvironBytesMax = 4U << 20;
constexpr std::int64_t kKillWaitMaxMs = 10'000;
constexpr int kPollMaxMs = 100;  ///< then the process table is looked at again

struct Known {
  int pid = 0;
  int group = 0;
  std::uint64_t start_time = 0;
};

/// What the dead host wrote of itself and its agent; zeros when it did not come that far.
struct HostState {
  Known host;
  Known agent;
};

Known knownFrom(const Json& state, std::string_view key) {
  Known known;
  const Json* found = json::find(state, key);
  if (found == nullptr || !found->is_object()) return known;
  known.pid = static_cast<int>(json::integerOr(*found, "pid", 0));
  known.group = static_cast<int>(json::integerOr(*found, "pgid", 0));
  known.start_time = static_cast<std::uint64_t>(json::integerOr(*found, "start_time", 0));
  return known;
}

HostState readState(const std::filesystem::path& host_folder) {
  HostState state;
  const Result<std::string> text = readFile(host_folder / "state.json", kStateBytesMax);
  if (!text.ok()) return state;
  const Result<Json> parsed = json::parse(*text);
  if (!parsed.ok() || !parsed->is_object()) return state;
  state.host = knownFrom(*parsed, "host");
  state.agent = knownFrom(*parsed, "agent");
  return state;
}

/// Does the process's environment say that it is of this session and of this generation or before?
bool isMarked(int pid, const std::string& session_id, std::int64_t generation) {
  const Result<std::string> environ =
      readFile("/proc/" + std::to_string(pid) + "/environ", kEnvironBytesMax);
  if (!environ.ok()) return false;
  std::string_view rest = *environ;
  std::string_view session;
  std::string marked_generation;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (entry.starts_with("TUTTI_SESSION_ID=")) session = entry.substr(17);
    if (entry.starts_with("TUTTI_GENERATION=")) marked_generation = entry.substr(17);
  }
  if (session != session_id || marked_generation.empty()) return false;
  return std::strtoll(marked_generation.c_str(), nullptr, 10) <= generation;
}

/// Is it the host of this session, of this generation or before? By its arguments, for there may be
/// no other trace of it.
bool isHost(const ProcessInfo& process, const std::string& session_id, std::int64_t generation) {
  if (!process.run_host) return false;
  const Result<std::string> line =
      readFile("/proc/" + std::to_string(process.pid) + "/cmdline", kEnvironBytesMax);
  if (!line.ok()) return false;
  const std::string session = std::string("--session") + '\0' + session_id + '\0';
  const std::string marker = std::string("--generation") + '\0';
  const std::size_t at = line->find(marker);
  if (line->find(session) == std::string::npos || at == std::string::npos) return false;
  return std::strtoll(line->c_str() + at + marker.size(), nullptr, 10) <= generation;
}

/// The host led its session (setsid) and the agent its group within. The kernel gives neither id to
/// a new process while a member lives, so both together, begun later than the agent, tell its kin.
bool isKin(const ProcessInfo& process, const HostState& state) {
  if (state.host.pid == 0 || process.session != state.host.pid) return false;
  return process.start_time >= state.host.start_time && process.pid != state.host.pid;
}

class Reaping {
 public:
  Reaping(HostState state, const std::string& session_id, std::int64_t generation)
      : state_(state), session_id_(session_id), generation_(generation) {}

  std::vector<ProcessInfo> find() const {
    const std::vector<ProcessInfo> all = listProcesses();
    std::vector<ProcessInfo> found;
    std::set<int> known;
    const auto add = [&](const ProcessInfo& process) {
      if (process.pid != ::getpid() && !process.dead() && known.insert(process.pid).second)
        found.push_back(process);
    };
    for (const ProcessInfo& process : all) {
      if (process.dead() || !isOurs(process)) continue;
      add(process);
      for (const ProcessInfo& child : descendants(all, process.pid)) add(child);
    }
    return found;
  }

 private:
  bool isOurs(const ProcessInfo& process) const {
    if (process.run_host) return isHost(process, session_id_, generation_);
    return isKin(process, state_) || hasMark(process.pid, session_id_, generation_) ||
           isMarked(process.pid, session_id_, generation_);
  }

  const HostState state_;
  const std::string& session_id_;
  const std::int64_t generation_;
};

/// A host that nobody can reach has nothing more to say when its agent is gone; and as long as it
/// lives the agent has its grace, for it dies with its host at once.
bool onlyHosts(const std::vector<ProcessInfo>& processes) {
  return std::all_of(processes.begin(), processes.end(),
                     [](const ProcessInfo& process) { return process.run_host; });
}

/// Until one of them has gone, a new look is due, or `ms` are over.
void waitForChange(const std::vector<ProcessInfo>& processes, std::int64_t ms) {
  std::vector<Fd> handles;
  std::vector<pollfd> polled;
  for (const ProcessInfo& process : processes) {
    Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!handle) return;  // gone already
    polled.push_back({handle.get(), POLLIN, 0});
    handles.push_back(std::move(handle));
  }
  const int timeout = static_cast<int>(std::clamp<std::int64_t>(ms, 1, kPollMaxMs));
  ::poll(polled.data(), polled.size(), timeout);
}

}  // namespace

std::string reapOrphans(const std::filesystem::path& host_folder, const std::string& session_id,
                        std::int64_t generation, std::int64_t grace_ms) {
  const Reaping reaping(readState(host_folder), session_id, generation);
  const std::int64_t started = steadyMillis();
  std::set<int> seen;
  std::int64_t killed = 0;
  std::vector<ProcessInfo> left = reaping.find();
  while (!left.empty()) {
    const std::int64_t elapsed = steadyMillis() - started;
    if (elapsed >= grace_ms + kKillWaitMaxMs) break;
    const bool force = elapsed >= grace_ms || onlyHosts(left);
    for (const ProcessInfo& process : left) {
      const bool is_new = seen.insert(process.pid).second;
      if (force && signalProcess(process, SIGKILL)) ++killed;
      if (force || !is_new || process.run_host) continue;
      signalProcess(process, SIGTERM);
      signalProcess(process, SIGCONT);
    }
    waitForChange(left, force ? kPollMaxMs : grace_ms - elapsed);
    left = reaping.find();
  }
  Json out = Json::object();
  out["found"] = seen;
  out["killed"] = killed;
  out["left"] = Json::array();
  for (const ProcessInfo& process : left) out["left"].push_back(process.pid);
  return json::dump(out);
}

}  // namespace tutti::runner
