// The server's side of running agents: what the store intends becomes processes, and what processes
// leave becomes rows.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "server/agents/sessions.hpp"
#include "server/base/result.hpp"
#include "server/runner/launch.hpp"
#include "server/store/folder_watch.hpp"
#include "server/store/store.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::runner {

/// Carries out the intents of this replica ("launch", "turn", "stop"), follows the run-hosts it
/// owns, and adopts what replicas that died have left: their intents, their hosts, their unfinished
/// runs. Intents are acknowledged (removed) only when their effect is certain, so a crash at any
/// point repeats them, and every step is safe to repeat. Launches wait for one another in the
/// store, where only as many are read as may begin; what is for a live host never waits behind
/// them. Runs on the I/O thread only; files are written and processes started on a thread of its
/// own.
class Supervisor {
 public:
  struct Options {
    LaunchContext launch;
    store::FolderWatch* folders = nullptr;  ///< outlives the supervisor
    agents::SessionLimits limits;
    std::int64_t starts_max = 8;       ///< run-hosts being started at once; more wait their turn
    std::int64_t starts_busy_max = 1;  ///< the same while many callers wait for the store
  };

  Supervisor(boost::asio::io_context& io, store::Store& store, Options options);
  ~Supervisor();

  /// Joins the replicas of the store and begins to adopt. Errors: those of Replica::join().
  Status start();

  /// What rows of this replica carry as owner.
  const std::string& replicaId() const;
  /// Does no process hold this id any more? See Replica::isDead().
  bool isDead(const std::string& replica) const;
  /// `departed` runs on the I/O thread with the id of each replica that has died or left from now
  /// on, for what others keep under its name; empty: look at all of them.
  void onDeparture(std::function<void(const std::string& replica)> departed);
  const agents::SessionLimits& limits() const;
  const LaunchContext& launchContext() const;

  /// There may be new intents of this replica. Call after each commit that made one.
  void pump();
  /// The same after a commit that made only a launch: costs nothing while none may begin.
  void pumpLaunches();

  /// `idle` runs once, as soon as no intent of this replica is unfinished: a process that is about
  /// to exit has then done what it promised. At most `limit_ms` later in any case.
  void whenIdle(std::function<void()> idle, std::int64_t limit_ms);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::runner
