// What the parts of the supervisor share: supervisor.cpp (intents), supervisor_launch.cpp (launch
// and stop), supervisor_follow.cpp (hosts: followed, adopted, gone). Not for others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

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

  void adoptAll();
  void adopt(const std::string& owner);
  void adoptLater(const std::string& owner, const Error& error);
  void sweepLater();
  void sweep(const std::shared_ptr<Leftovers>& found);
  void pump();
  void begin(const Intent& intent);
  void end(const Intent& intent);
  void startDone(std::int64_t intent_id);
  void checkIdle();

  void launch(const Intent& intent, const Situation& found);
  void furtherTurn(const Intent& intent, const Situation& found);
  void claimTurn(const Intent& intent, const std::shared_ptr<Follower>& follower);
  void claimForeignTurn(const Intent& intent, const Situation& found);
  void deliverForeign(const Intent& intent, const Situation& claimed);
  void notClaimed(const Intent& intent, const Error& error);
  void claimHost(const Intent& intent);
  void resumeLaunch(const Intent& intent, const Situation& found);
  void spawn(const Intent& intent, const Situation& claimed);
  Status writeFiles(const Situation& claimed);
  Status writeRunFile(const Situation& claimed);
  void deliverTurn(const Intent& intent, const std::shared_ptr<Follower>& follower, const Run& run);
  void failRun(const Intent& intent, const Situation& claimed, const Error& error);
  void endRun(const Intent& intent, const Situation& claimed, agents::Outcome outcome);

  void stop(const Intent& intent, const Situation& found);

  std::shared_ptr<Follower> followerOf(const std::string& session_id, std::int64_t generation);
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
  std::unique_ptr<Replica> replica;
  std::map<std::string, std::shared_ptr<Follower>> followers;  // by session
  std::map<std::int64_t, Intent> active;                       // intents being carried out
  std::set<std::string> adopting;
  std::deque<Intent> queued_starts;
  std::set<std::int64_t> starting;    // intents between claim and acknowledgement
  std::map<std::string, int> spawns;  // by run: how often a host was started for it
  bool pumping = false;
  bool pump_again = false;
  bool closing = false;
  std::function<void()> idle;
  std::function<void(const std::string&)> departed;
};

}  // namespace tutti::runner
