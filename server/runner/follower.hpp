// Following one run-host: its commands out, its spool into the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "server/agents/sessions.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/runner/control.hpp"
#include "server/runner/spec.hpp"
#include "server/store/store.hpp"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace tutti::runner {

/// What followers share. Outlives them.
struct FollowerParts {
  boost::asio::io_context& io;
  boost::asio::thread_pool& blocking;  ///< for reaping orphans, which may take seconds
  store::Store& store;
  const Layout& layout;
  const agents::SessionLimits& limits;
};

/// One run-host of one session, from the server's side: connects to it (waiting while it starts),
/// delivers commands, and brings the spool of the run it is on into the store, each event once.
/// When the host is gone it finishes the books: the last of the spool, the outcome, what was left
/// running. Runs on the I/O thread only.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  using Acknowledged = std::function<void(Result<Json>)>;

  enum class Start {
    Spawned,  ///< this process has just started the host: it may take a moment to listen
    Adopted,  ///< another replica started it, some time ago
  };

  /// `over` runs once, when the host is gone and the store says so; a run that the host had not
  /// begun is left as it was, to be launched again. `never_started` instead of `over` when there
  /// never was a host: nothing has happened and it may be spawned anew. Without handlers the
  /// follower is a courier: it delivers commands and leaves the books alone.
  struct Handlers {
    std::function<void()> over;
    std::function<void()> never_started;
  };

  Follower(FollowerParts parts, std::string session_id, std::int64_t generation, Handlers handlers);
  ~Follower();

  /// Begins to connect, after the caller has returned to the loop. followRun() before that; send()
  /// may come before too and waits.
  void start(Start how);
  /// A run whose spool is to be ingested from `offset` on. One at a time: a further one waits until
  /// the one before is wholly in the store.
  void followRun(const std::string& run_id, std::int64_t offset);
  /// The run has ended in the store and the host never hears of it: there is nothing to ingest.
  void runFailed(const std::string& run_id);
  /// Sends `command` once the host listens. `acknowledged` gets the ack, or Unavailable when the
  /// host goes first, or is on its way out and takes nothing any more.
  void send(Json command, Acknowledged acknowledged);
  /// Instead of start(): there is no host after all. Whoever waits for an acknowledgement is told;
  /// no handler runs.
  void notStarted();
  /// The spawned process has ended: there is no point in waiting for it to listen.
  void processEnded();
  /// Ends without a word to anybody: the program is closing.
  void abandon();

  const std::string& sessionId() const { return session_id_; }
  std::int64_t generation() const { return generation_; }
  bool usable() const { return state_ != State::Gone; }

 private:
  enum class State { Connecting, Linked, Gone };
  struct Command {
    Json json;
    Acknowledged acknowledged;
  };

  void tryConnect();
  void retryLater();
  void linked();
  void onMessage(const Json& message);
  void onAck(const Json& ack);
  void heardOf(const std::string& run_id);
  void onClosed();
  bool hostMayListen() const;
  void answerAllGone();
  bool hostLeftTraces() const;
  bool runBegan() const;

  void ingest();
  void ingestStep();
  void ingested(Status status, agents::SpoolChunk chunk, bool over);
  void ingestLater();
  void reloadOffset();
  void runOver();

  void gone();
  void settle();
  void afterOrphans(std::string report);
  void recordExit();
  void recordLater();
  void finished(const std::string& lost_run);

  FollowerParts parts_;
  const std::string session_id_;
  const std::int64_t generation_;
  Handlers handlers_;
  State state_ = State::Connecting;
  Start how_ = Start::Adopted;
  bool process_ended_ = false;
  std::chrono::steady_clock::time_point began_;
  std::chrono::milliseconds delay_{1};
  std::unique_ptr<HostLink> link_;
  std::deque<Command> waiting_;  ///< sent or to be sent, not acknowledged
  std::string run_id_;           ///< being ingested, "" between runs
  std::int64_t offset_ = 0;
  struct NextRun {
    std::string run_id;
    std::int64_t offset;
  };
  std::deque<NextRun> next_runs_;
  std::string last_run_id_;  ///< the last that is wholly in the store
  bool ingesting_ = false;
  bool settling_ = false;  ///< the host is gone: when the spool is in, close the books
  std::string orphans_;    ///< what reapOrphans() said, JSON
};

}  // namespace tutti::runner
