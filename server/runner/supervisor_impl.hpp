// What the parts of the supervisor share: supervisor.cpp (its door, its threads),
// supervisor_intents.cpp (which intents begin when), supervisor_launch.cpp (launch and stop),
// supervisor_follow.cpp (hosts: followed, adopted, gone). Not for others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/base/clock.hpp"
#include "server/runner/follower.hpp"
#include "server/runner/leftovers.hpp"
#include "server/runner/replica.hpp"
#include "server/runner/supervisor.hpp"

namespace tutti::runner {
namespace net = boost::asio;
using agents::Intent;
using agents::Run;
using agents::RunStatus;
using agents::Session;

/// A session and its run as a read found them.
struct Situation {
  agents::Session session;
  agents::Run run;
};

/// The session and the run of an intent; without a run_id the session's latest. Errors: NotFound
/// when they have been deleted.
Result<Situation> situationOf(store::Connection& db, const Intent& intent);

/// One look for intents that can begin.
struct Look {
  std::string owner;
  std::set<std::int64_t> active;  ///< those under way are not looked for
  std::int64_t launches = 0;      ///< under way, and how many more may begin
  std::int64_t launches_room = 0;
  std::int64_t others = 0;
  std::int64_t others_room = 0;

  struct Found {
    Intent intent;
    Result<Situation> situation;
  };
  std::vector<Found> found;
};

/// The present, as rows carry it.
inline std::string nowText() {
  return isoTimestamp(Clock::system().now());
}

/// How a run ends that was stopped before any host took it.
agents::Outcome stoppedBeforeStart();

struct Supervisor::Impl : std::enable_shared_from_this<Supervisor::Impl> {
  Impl(net::io_context& context, store::Store& s, Options o)
      : io(context), store(s), options(std::move(o)), layout(store.folder()), blocking(1) {}

  /// Runs `work` on the writer (or a reader), then `then` here, unless the program is closing.
  void write(store::Store::Work work, std::function<void(Status)> then);
  void read(store::Store::Work work, std::function<void(Status)> then);
  /// The same on the thread for files and processes, in order: a disk or a fork that is stuck holds
  /// up launches, and nobody else. The thread starts with the first use.
  void onLauncher(std::function<Status()> work, std::function<void(Status)> then);
  /// Runs `then` here after `delay`, unless the program is closing.
  void later(std::chrono::milliseconds delay, std::function<void()> then);

  void adoptAll();
  void adopt(const std::string& owner);
  void adoptLater(const std::string& owner, const Error& error);
  void sweepLater();
  void sweep(const std::shared_ptr<Leftovers>& found);
  void pump();
  /// When the store cannot be read or written now, or launches have to wait.
  void pumpLater(std::chrono::milliseconds delay);
  void pumpLaunches();
  std::int64_t launchesActive() const;
  std::int64_t launchesRoom();
  void looked(const Look& look);
  void begin(const Intent& intent, const Result<Situation>& found);
  void end(const Intent& intent);
  void startDone(std::int64_t intent_id);

  bool isLaunching(const std::string& session_id) const;
  void launch(const Intent& intent, const Situation& found);
  void furtherTurn(const Intent& intent, const Situation& found);
  void claimTurn(const Intent& intent, const std::shared_ptr<Follower>& follower);
  void claimForeignTurn(const Intent& intent, const Situation& found);
  void deliverForeign(const Intent& intent, const Situation& claimed);
  void notClaimed(const Intent& intent, const Error& error);
  void claimHost(const Intent& intent);
  void resumeLaunch(const Intent& intent, const Situation& found);
  void spawn(const Intent& intent, const Situation& claimed);
  Status writeFiles(const Situation& claimed) const;
  Status writeRunFile(const Situation& claimed) const;
  void writeThenSend(const Intent& intent, const std::shared_ptr<Follower>& follower,
                     const Situation& claimed);
  void sendTurn(const Intent& intent, const std::shared_ptr<Follower>& follower, const Run& run);
  void failRun(const Intent& intent, const Situation& claimed, const Error& error);
  void failTurn(const Intent& intent, const Situation& claimed, const Error& error);
  void endRun(const Intent& intent, const Situation& claimed, agents::Outcome outcome);

  void stop(const Intent& intent, const Situation& found);

  std::shared_ptr<Follower> followerOf(const std::string& session_id, std::int64_t generation);
  /// The follower of that host, made if there is none; not connecting yet when it is new.
  std::shared_ptr<Follower> prepareFollower(const std::string& session_id, std::int64_t generation);
  std::shared_ptr<Follower> follow(const std::string& session_id, std::int64_t generation,
                                   Follower::Start how);
  void hostOver(const std::string& session_id, std::int64_t generation);
  void neverStarted(const std::string& session_id, std::int64_t generation);
  void hostNeverWas(const std::string& session_id, std::int64_t generation);
  void respawn(const Intent& intent, std::int64_t generation);
  void failAbandoned(const std::string& session_id);
  void reap(int pid, const std::shared_ptr<Follower>& follower);

  net::io_context& io;
  store::Store& store;
  Options options;
  Layout layout;
  net::thread_pool blocking;
  std::optional<net::thread_pool> launcher;
  std::unique_ptr<Replica> replica;
  std::map<std::string, std::shared_ptr<Follower>> followers;  // by session
  std::map<std::int64_t, Intent> active;                       // intents being carried out
  std::set<std::string> adopting;
  std::deque<Intent> queued_starts;   // turns whose host has gone; at most kOthersMax
  std::set<std::int64_t> starting;    // intents between claim and acknowledgement
  std::map<std::string, int> spawns;  // by run: how often a host was started for it
  std::chrono::steady_clock::time_point busy_until;   // callers wait for the store
  std::chrono::steady_clock::time_point launched_at;  // when the last launch began
  bool pumping = false;
  bool pump_again = false;
  std::set<std::chrono::milliseconds> pumps_due;  // by their delays, of which there are few
  bool closing = false;
  std::function<void()> idle;
  std::function<void(const std::string&)> departed;
};

}  // namespace tutti::runner
