// Where one round of the crash test takes place: a folder of its own, and the processes of it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tutti::crash {

/// A temporary folder with an empty store and blueprints. Ends, by their ids, all processes that
/// belong to it when it goes; keeps its files when told to, for whoever looks into a failure.
class World {
 public:
  /// `self` is this program, `fake_claude` the stand-in for Claude Code.
  World(const std::filesystem::path& self, std::filesystem::path tutti,
        std::filesystem::path fake_claude);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void keep() { keep_ = true; }
  std::filesystem::path root() const { return root_; }
  std::filesystem::path data() const { return root_ / "data"; }
  std::filesystem::path starts() const { return root_ / "starts"; }  ///< see agent.hpp
  std::filesystem::path serverLog() const { return root_ / "servers.log"; }

  /// The command line of `tutti <command>` here.
  std::vector<std::string> command(const std::string& subcommand) const;
  std::vector<std::string> environment() const;

  /// Run-hosts of this store that are alive.
  std::vector<pid_t> hosts() const;
  /// All processes of this store that are alive: run-hosts, and what carries its mark.
  std::vector<pid_t> processes() const;

 private:
  std::filesystem::path root_;
  std::filesystem::path tutti_;
  std::filesystem::path fake_claude_;
  bool keep_ = false;
};

/// SIGKILL to `pid` if it is a process of `world` still (ids are reused). True when it was sent.
bool killMember(const World& world, pid_t pid);

/// Waits until `pid` has ended, at most `ms`. True when it has.
bool waitGone(pid_t pid, int ms);

}  // namespace tutti::crash
