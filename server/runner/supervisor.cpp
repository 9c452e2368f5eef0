#include "server/runner/supervisor.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/runner/follower.hpp"
#include "server/runner/host.hpp"
#include "server/runner/replica.hpp"

namespace tutti::runner {
namespace net = boost::asio;
using agents::Intent;
using agents::Run;
using agents::RunStatus;
using agents::Session;

namespace {
constexpr int kSpawnsMax = 3;  // of one run, when its host dies before it has begun

std::string nowText() {
  return isoTimestamp(Clock::system().now());
}

/// A session and its run as a read found them.
struct Situation {
  Session session;
  Run run;
};
}  // namespace

struct Supervisor::Impl : std::enable_shared_from_this<Supervisor::Impl> {
  Impl(net::io_context& context, store::Store& s, Options o)
      : io(context), store(s), options(std::move(o)), layout(store.folder()), blocking(1) {}

  /// Runs `work` on the writer (or a reader), then `then` here, unless the program is closing.
  void write(store::Store::Work work, std::function<void(Status)> then);
  void read(store::Store::Work work, std::function<void(Status)> then);

  void adoptAll();
  void adopt(const std::string& owner);
  void pump();
  void begin(const Intent& intent);
  void end(const Intent& intent);
  void startDone(std::int64_t intent_id);
  void checkIdle();

  void launch(const Intent& intent, const Situation& found);
  void claimTurn(const Intent& intent, const std::shared_ptr<Follower>& follower);
  void claimHost(const Intent& intent);
  void resumeLaunch(const Intent& intent, const Situation& found);
  void spawn(const Intent& intent, const Situation& claimed);
  Status writeFiles(const Situation& claimed);
  Status writeRunFile(const Situation& claimed);
  void deliverTurn(const Intent& intent, const std::shared_ptr<Follower>& follower, const Run& run);
  void failRun(const Intent& intent, const Situation& claimed, const Error& error);

  void stop(const Intent& intent, const Situation& found);

  std::shared_ptr<Follower> followerOf(const std::string& session_id, std::int64_t generation);
  std::shared_ptr<Follower> follow(const std::string& session_id, std::int64_t generation,
                                   Follower::Start how);
  void hostOver(const std::string& session_id, std::int64_t generation);
  void neverStarted(const std::string& session_id);
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
};

Supervisor::Supervisor(net::io_context& io, store::Store& store, Options options)
    : impl_(std::make_shared<Impl>(io, store, std::move(options))) {}

Supervisor::~Supervisor() {
  impl_->closing = true;
  impl_->idle = nullptr;
  for (auto& [id, follower] : impl_->followers) follower->abandon();
  impl_->followers.clear();
  impl_->blocking.stop();
  impl_->blocking.join();
  impl_->replica.reset();
}

const std::string& Supervisor::replicaId() const {
  return impl_->replica->id();
}
const agents::SessionLimits& Supervisor::limits() const {
  return impl_->options.limits;
}
const LaunchContext& Supervisor::launchContext() const {
  return impl_->options.launch;
}
void Supervisor::pump() {
  impl_->pump();
}

Status Supervisor::start() {
  auto replica = Replica::join(impl_->io, impl_->layout.replicas());
  if (!replica.ok()) return std::move(replica).error();
  impl_->replica = std::move(*replica);
  // Watch first, look second: who dies between the two is seen by one of them.
  Status watching =
      impl_->replica->watchDepartures([weak = std::weak_ptr(impl_)](const std::string& id) {
        if (auto self = weak.lock()) self->adopt(id);
      });
  if (!watching.ok()) return watching;
  impl_->adoptAll();
  return ok();
}

void Supervisor::whenIdle(std::function<void()> idle, std::int64_t limit_ms) {
  impl_->idle = std::move(idle);
  auto timer = std::make_shared<net::steady_timer>(impl_->io, std::chrono::milliseconds(limit_ms));
  timer->async_wait([weak = std::weak_ptr(impl_), timer](boost::system::error_code) {
    auto self = weak.lock();
    if (!self || !self->idle) return;
    log::warning("leaving with unfinished intents", {{"count", self->active.size()}});
    std::exchange(self->idle, nullptr)();
  });
  impl_->pump();
}

// --- between the threads
// ---------------------------------------------------------------------------

void Supervisor::Impl::write(store::Store::Work work, std::function<void(Status)> then) {
  store.write(std::move(work), [self = shared_from_this(), then = std::move(then)](Status status) {
    net::post(self->io, [self, then, status = std::move(status)] {
      if (!self->closing) then(status);
    });
  });
}

void Supervisor::Impl::read(store::Store::Work work, std::function<void(Status)> then) {
  store.read(std::move(work), [self = shared_from_this(), then = std::move(then)](Status status) {
    net::post(self->io, [self, then, status = std::move(status)] {
      if (!self->closing) then(status);
    });
  });
}

// --- adoption
// --------------------------------------------------------------------------------------

void Supervisor::Impl::adoptAll() {
  auto found = std::make_shared<std::vector<std::string>>();
  read(
      [found](store::Connection& db) -> Status {
        *found = agents::owners(db);
        return ok();
      },
      [this, found](Status) {
        for (const std::string& owner : *found)
          if (replica->isDead(owner)) adopt(owner);
      });
}

void Supervisor::Impl::adopt(const std::string& owner) {
  if (owner == replica->id() || !adopting.insert(owner).second) return;
  struct Adopted {
    std::vector<Session> sessions;
    std::map<std::string, Run> runs;  // by session
  };
  auto adopted = std::make_shared<Adopted>();
  write(
      [adopted, owner, me = replica->id()](store::Tx& tx) -> Status {
        adopted->sessions = agents::adopt(tx, owner, me);
        for (const Session& session : adopted->sessions) {
          auto run = agents::latestRun(tx, session.session_id);
          if (run.ok()) adopted->runs.emplace(session.session_id, std::move(*run));
        }
        return ok();
      },
      [this, adopted, owner](Status status) {
        adopting.erase(owner);
        if (!status.ok()) return;
        replica->forget(owner);
        for (const Session& session : adopted->sessions) {
          auto follower = follow(session.session_id, session.generation, Follower::Start::Adopted);
          const auto run = adopted->runs.find(session.session_id);
          if (run != adopted->runs.end() && !agents::isTerminal(run->second.status) &&
              run->second.status != RunStatus::Pending)
            follower->followRun(run->second.run_id, run->second.spool_offset);
        }
        if (!adopted->sessions.empty())
          log::info("adopted sessions", {{"from", owner}, {"count", adopted->sessions.size()}});
        pump();
      });
}

// --- intents
// ---------------------------------------------------------------------------------------

void Supervisor::Impl::pump() {
  if (!replica) return;
  if (pumping) {
    pump_again = true;
    return;
  }
  pumping = true;
  auto intents = std::make_shared<std::vector<Intent>>();
  read(
      [intents, me = replica->id()](store::Connection& db) -> Status {
        *intents = agents::intentsOf(db, me);
        return ok();
      },
      [this, intents](Status) {
        pumping = false;
        for (const Intent& intent : *intents)
          if (active.emplace(intent.id, intent).second) begin(intent);
        if (std::exchange(pump_again, false)) return pump();
        checkIdle();
      });
}

void Supervisor::Impl::begin(const Intent& intent) {
  auto found = std::make_shared<Situation>();
  read(
      [found, intent](store::Connection& db) -> Status {
        auto session = agents::findSession(db, intent.session_id);
        if (!session.ok()) return std::move(session).error();
        found->session = std::move(*session);
        auto run = intent.run_id.empty() ? agents::latestRun(db, intent.session_id)
                                         : agents::findRun(db, intent.run_id);
        if (!run.ok()) return std::move(run).error();
        found->run = std::move(*run);
        return ok();
      },
      [this, found, intent](Status status) {
        if (!status.ok()) return end(intent);  // deleted meanwhile: nothing is left to do
        if (intent.kind == "stop") return stop(intent, *found);
        launch(intent, *found);
      });
}

void Supervisor::Impl::end(const Intent& intent) {
  spawns.erase(intent.run_id);
  startDone(intent.id);
  write(
      [id = intent.id](store::Tx& tx) -> Status {
        agents::removeIntent(tx, id);
        return ok();
      },
      [this, id = intent.id](Status) {
        active.erase(id);
        checkIdle();
      });
}

void Supervisor::Impl::startDone(std::int64_t intent_id) {
  if (starting.erase(intent_id) == 0 || queued_starts.empty()) return;
  const Intent next = queued_starts.front();
  queued_starts.pop_front();
  claimHost(next);
}

void Supervisor::Impl::checkIdle() {
  if (idle && active.empty() && !pumping) std::exchange(idle, nullptr)();
}

// --- launch
// ----------------------------------------------------------------------------------------

void Supervisor::Impl::launch(const Intent& intent, const Situation& found) {
  if (agents::isTerminal(found.run.status)) return end(intent);
  const bool pending = found.run.status == RunStatus::Pending;
  if (!pending && found.session.host_live) return resumeLaunch(intent, found);
  auto follower = followerOf(found.session.session_id, found.session.generation);
  if (pending && follower && follower->usable()) return claimTurn(intent, follower);
  claimHost(intent);
}

// The session's host is alive: the run is a further turn of it.
void Supervisor::Impl::claimTurn(const Intent& intent, const std::shared_ptr<Follower>& follower) {
  auto claimed = std::make_shared<Situation>();
  write(
      [claimed, intent, me = replica->id()](store::Tx& tx) -> Status {
        auto started = agents::claimRun(tx, intent.run_id, me, /*new_host=*/false, nowText());
        if (!started.ok()) return std::move(started).error();
        *claimed = {std::move(started->session), std::move(started->run)};
        return ok();
      },
      [this, claimed, intent, follower](Status status) {
        if (!status.ok()) return end(intent);  // stopped before it began
        if (Status written = writeRunFile(*claimed); !written.ok())
          return failRun(intent, *claimed, written.error());
        deliverTurn(intent, follower, claimed->run);
      });
}

// There is no host: the run gets one, of a generation of its own.
void Supervisor::Impl::claimHost(const Intent& intent) {
  if (std::ssize(starting) >= options.starts_max) {
    queued_starts.push_back(intent);
    return;
  }
  starting.insert(intent.id);
  auto claimed = std::make_shared<Situation>();
  write(
      [claimed, intent, me = replica->id()](store::Tx& tx) -> Status {
        auto started = agents::claimRun(tx, intent.run_id, me, /*new_host=*/true, nowText());
        if (!started.ok()) return std::move(started).error();
        *claimed = {std::move(started->session), std::move(started->run)};
        return ok();
      },
      [this, claimed, intent](Status status) {
        if (!status.ok()) return end(intent);  // stopped before it began
        spawn(intent, *claimed);
      });
}

// The run was claimed by a replica that died, or by us in a pump that could not finish.
void Supervisor::Impl::resumeLaunch(const Intent& intent, const Situation& found) {
  auto follower = followerOf(found.session.session_id, found.run.generation);
  if (!follower)
    follower = follow(found.session.session_id, found.run.generation, Follower::Start::Adopted);
  if (Status written = writeRunFile(found); !written.ok())
    return failRun(intent, found, written.error());
  deliverTurn(intent, follower, found.run);
}

Status Supervisor::Impl::writeRunFile(const Situation& claimed) {
  auto snapshot = json::parse(claimed.session.blueprint);
  if (!snapshot.ok()) return std::move(snapshot).error();
  auto blueprint = agents::blueprintFromJson(*snapshot);
  if (!blueprint.ok()) return std::move(blueprint).error();
  const auto folder = layout.run(claimed.run.run_id);
  if (Status made = makeFolder(folder); !made.ok()) return made;
  return replaceFile(folder / "run.json", json::dump(toJson(makeRunSpec(claimed.run, *blueprint))));
}

Status Supervisor::Impl::writeFiles(const Situation& claimed) {
  auto parameters = json::parse(claimed.run.parameters);
  if (!parameters.ok()) return std::move(parameters).error();
  auto spec = makeHostSpec(claimed.session, claimed.run.generation, *parameters, options.launch);
  if (!spec.ok()) return std::move(spec).error();
  const auto folder = layout.host(claimed.session.session_id, claimed.run.generation);
  if (Status made = makeFolder(folder); !made.ok()) return made;
  if (Status run = writeRunFile(claimed); !run.ok()) return run;
  return replaceFile(folder / "host.json", json::dump(toJson(*spec)));
}

void Supervisor::Impl::spawn(const Intent& intent, const Situation& claimed) {
  if (++spawns[claimed.run.run_id] > kSpawnsMax)
    return failRun(intent, claimed,
                   Error(Code::Unavailable, "the run-host does not start", "see host.log")
                       .named("run_host_failed"));
  if (Status written = writeFiles(claimed); !written.ok())
    return failRun(intent, claimed, written.error());
  const HostAddress address{layout.root(), claimed.session.session_id, claimed.run.generation};
  Result<int> pid = spawnHost(options.launch.program, address);
  if (!pid.ok()) return failRun(intent, claimed, pid.error());
  auto follower = follow(address.session_id, address.generation, Follower::Start::Spawned);
  reap(*pid, follower);
  deliverTurn(intent, follower, claimed.run);
}

void Supervisor::Impl::deliverTurn(const Intent& intent, const std::shared_ptr<Follower>& follower,
                                   const Run& run) {
  follower->followRun(run.run_id, run.spool_offset);
  Json turn = Json::object({{"cmd", "turn"}, {"run_id", run.run_id}});
  follower->send(std::move(turn), [this, intent](Result<Json> ack) {
    // When the host goes first, its follower says more: hostOver() or neverStarted() takes up the
    // intent.
    if (closing || !ack.ok()) return;
    if (!json::booleanOr(*ack, "ok", false))
      log::error("run-host refused a turn",
                 {{"run_id", intent.run_id}, {"error", json::stringOr(*ack, "error", "")}});
    end(intent);
  });
}

/// The run cannot begin at all: it ends as failed, with the reason.
void Supervisor::Impl::failRun(const Intent& intent, const Situation& claimed, const Error& error) {
  agents::Outcome outcome;
  outcome.error = error.message();
  outcome.error_name = std::string(error.name());
  outcome.error_hint = error.hint();
  outcome.completed_at = nowText();
  outcome.json = "{}";
  write(
      [claimed, outcome](store::Tx& tx) -> Status {
        auto ended = agents::applyOutcome(tx, claimed.run.run_id, claimed.run.generation, outcome);
        if (!ended.ok()) return std::move(ended).error();
        return agents::hostExited(tx, claimed.session.session_id, claimed.run.generation,
                                  agents::SessionStatus::Failed, R"({"reason":"launch_failed"})",
                                  outcome.completed_at);
      },
      [this, intent](Status status) {
        if (!status.ok())
          log::error("cannot record a failed launch", {{"error", status.error().message()}});
        end(intent);
      });
}

// --- stop
// ------------------------------------------------------------------------------------------

void Supervisor::Impl::stop(const Intent& intent, const Situation& found) {
  if (!found.session.host_live) return end(intent);
  auto follower = followerOf(found.session.session_id, found.session.generation);
  if (!follower && found.session.owner != replica->id() && !replica->isDead(found.session.owner)) {
    // Its owner is alive and does the books; we only deliver.
    FollowerParts parts{io, blocking, store, layout, options.limits};
    follower = std::make_shared<Follower>(parts, found.session.session_id, found.session.generation,
                                          Follower::Handlers{});
    follower->start(Follower::Start::Adopted);
  } else if (!follower) {
    follower = follow(found.session.session_id, found.session.generation, Follower::Start::Adopted);
    if (!agents::isTerminal(found.run.status))
      follower->followRun(found.run.run_id, found.run.spool_offset);
  }
  follower->send(Json::object({{"cmd", "stop"}}), [this, intent, follower](Result<Json>) {
    // Acknowledged, or the host is gone already: both are what was wanted.
    if (!closing) end(intent);
  });
}

// --- followers
// -------------------------------------------------------------------------------------

std::shared_ptr<Follower> Supervisor::Impl::followerOf(const std::string& session_id,
                                                       std::int64_t generation) {
  const auto found = followers.find(session_id);
  if (found == followers.end() || found->second->generation() != generation) return nullptr;
  return found->second;
}

std::shared_ptr<Follower> Supervisor::Impl::follow(const std::string& session_id,
                                                   std::int64_t generation, Follower::Start how) {
  if (auto known = followerOf(session_id, generation); known && known->usable()) return known;
  Follower::Handlers handlers;
  handlers.over = [this, session_id, generation] { hostOver(session_id, generation); };
  handlers.never_started = [this, session_id] { neverStarted(session_id); };
  FollowerParts parts{io, blocking, store, layout, options.limits};
  auto follower = std::make_shared<Follower>(parts, session_id, generation, std::move(handlers));
  followers[session_id] = follower;
  follower->start(how);
  return follower;
}

void Supervisor::Impl::hostOver(const std::string& session_id, std::int64_t generation) {
  if (followerOf(session_id, generation)) followers.erase(session_id);
  std::erase_if(active, [&](const auto& entry) {
    return entry.second.session_id == session_id && entry.second.kind == "launch";
  });
  pump();  // looks at those intents again: the run is over, or is launched anew
}

// Claimed, but no host ever ran: the replica that claimed it died in between, or the host could not
// start. The same generation is spawned (again); the host's own lock makes a second one harmless.
void Supervisor::Impl::neverStarted(const std::string& session_id) {
  followers.erase(session_id);
  auto found = std::make_shared<Situation>();
  read(
      [found, session_id](store::Connection& db) -> Status {
        auto session = agents::findSession(db, session_id);
        auto run = agents::latestRun(db, session_id);
        if (!session.ok()) return std::move(session).error();
        if (!run.ok()) return std::move(run).error();
        *found = {std::move(*session), std::move(*run)};
        return ok();
      },
      [this, found](Status status) {
        if (!status.ok()) return;
        for (const auto& [id, intent] : active)
          if (intent.run_id == found->run.run_id && intent.kind == "launch")
            return spawn(Intent(intent), *found);
        failRun(
            Intent{}, *found,
            Error(Code::Internal, "the run-host could not be started", "see the log of the server")
                .named("run_host_failed"));
      });
}

// Learns of the end of a process of ours and takes its status, so that no zombie stays.
void Supervisor::Impl::reap(int pid, const std::shared_ptr<Follower>& follower) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    ::waitpid(pid, nullptr, WNOHANG);
    return follower->processEnded();
  }
  auto descriptor = std::make_shared<net::posix::stream_descriptor>(io, pidfd);
  descriptor->async_wait(
      net::posix::stream_descriptor::wait_read,
      [descriptor, pid, weak = std::weak_ptr(follower)](boost::system::error_code error) {
        if (error) return;
        ::waitpid(pid, nullptr, WNOHANG);
        if (auto alive = weak.lock()) alive->processEnded();
      });
}

}  // namespace tutti::runner
