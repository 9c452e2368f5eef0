// Hosts from the supervisor's side: adopted, followed, gone.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "server/base/log.hpp"
#include "server/runner/supervisor_impl.hpp"

namespace tutti::runner {

namespace {
constexpr std::chrono::seconds kAdoptRetry{1};
constexpr std::chrono::seconds kRecordRetry{1};
constexpr std::chrono::seconds kSweepDelay{1};
constexpr std::chrono::seconds kRespawnRetry{1};
}  // namespace

// --- adoption ------------------------------------------------------------------------------------

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
    std::set<std::string> launching;  // runs with an intent: pump() sees to them and their hosts
  };
  auto adopted = std::make_shared<Adopted>();
  write(
      [adopted, owner, me = replica->id()](store::Tx& tx) -> Status {
        *adopted = {};
        adopted->sessions = agents::adopt(tx, owner, me);
        for (const Session& session : adopted->sessions) {
          auto run = agents::latestRun(tx, session.session_id);
          if (run.ok()) adopted->runs.emplace(session.session_id, std::move(*run));
        }
        for (const auto& [session_id, run] : adopted->runs)
          if (agents::hasIntentToRun(tx, me, run)) adopted->launching.insert(run.run_id);
        return ok();
      },
      [this, adopted, owner](Status status) {
        adopting.erase(owner);
        if (!status.ok()) return adoptLater(owner, status.error());
        replica->forget(owner);
        for (const Session& session : adopted->sessions) {
          const auto run = adopted->runs.find(session.session_id);
          if (run != adopted->runs.end() && adopted->launching.contains(run->second.run_id) &&
              run->second.status != RunStatus::Pending)
            continue;
          auto follower = follow(session.session_id, session.generation, Follower::Start::Adopted);
          if (run != adopted->runs.end() && !agents::isTerminal(run->second.status) &&
              run->second.status != RunStatus::Pending)
            follower->followRun(run->second.run_id, run->second.spool_offset);
        }
        if (!adopted->sessions.empty())
          log::info("adopted sessions", {{"from", owner}, {"count", adopted->sessions.size()}});
        pump();
      });
}

// Nobody else may be there to adopt, so a locked store or a full disk only delays it.
void Supervisor::Impl::adoptLater(const std::string& owner, const Error& error) {
  log::error("cannot adopt", {{"from", owner}, {"error", error.message()}});
  later(kAdoptRetry, [this, owner] { adopt(owner); });
}

// What was over, but whose folders a replica could not remove any more because it was killed.
// Looked for once, when this process has lasted a moment: a single call is not made to wait for it.
void Supervisor::Impl::sweepLater() {
  later(kSweepDelay, [this] {
    replica->forgetDead();
    net::post(blocking, [self = shared_from_this()] {
      auto found = std::make_shared<Leftovers>(findLeftovers(self->layout));
      net::post(self->io, [self, found] { self->sweep(found); });
    });
  });
}

void Supervisor::Impl::sweep(const std::shared_ptr<Leftovers>& found) {
  if (closing || found->empty()) return;
  read(
      [found](store::Connection& db) -> Status {
        dropUnfinished(db, *found);
        return ok();
      },
      [this, found](Status status) {
        if (!status.ok()) return;
        net::post(blocking,
                  [self = shared_from_this(), found] { removeLeftovers(self->layout, *found); });
      });
}

// --- followers -----------------------------------------------------------------------------------

std::shared_ptr<Follower> Supervisor::Impl::followerOf(const std::string& session_id,
                                                       std::int64_t generation) {
  const auto found = followers.find(session_id);
  if (found == followers.end() || found->second->generation() != generation) return nullptr;
  return found->second;
}

std::shared_ptr<Follower> Supervisor::Impl::prepareFollower(const std::string& session_id,
                                                            std::int64_t generation) {
  Follower::Handlers handlers;
  handlers.over = [this, session_id, generation] { hostOver(session_id, generation); };
  handlers.never_started = [this, session_id, generation] { neverStarted(session_id, generation); };
  FollowerParts parts{io, blocking, store, layout, options.limits};
  auto follower = std::make_shared<Follower>(parts, session_id, generation, std::move(handlers));
  followers[session_id] = follower;
  return follower;
}

std::shared_ptr<Follower> Supervisor::Impl::follow(const std::string& session_id,
                                                   std::int64_t generation, Follower::Start how) {
  if (auto known = followerOf(session_id, generation); known && known->usable()) return known;
  auto follower = prepareFollower(session_id, generation);
  follower->start(how);
  return follower;
}

void Supervisor::Impl::hostOver(const std::string& session_id, std::int64_t generation) {
  if (followerOf(session_id, generation)) followers.erase(session_id);
  std::erase_if(active, [&](const auto& entry) {
    return entry.second.session_id == session_id && entry.second.kind != "stop";
  });
  pump();  // looks at those intents again: the run is over, or is launched anew
  failAbandoned(session_id);
}

// A host took the run, and was gone before it wrote a word of it.
void Supervisor::Impl::failAbandoned(const std::string& session_id) {
  auto found = std::make_shared<Situation>();
  auto launching = std::make_shared<bool>(false);
  read(
      [found, launching, session_id, me = replica->id()](store::Connection& db) -> Status {
        Intent latest;
        latest.session_id = session_id;
        auto situation = situationOf(db, latest);
        if (!situation.ok()) return std::move(situation).error();
        *launching = agents::hasIntentToRun(db, me, situation->run);
        *found = std::move(*situation);
        return ok();
      },
      [this, found, launching](Status status) {
        if (!status.ok() || *launching || found->session.host_live) return;
        if (agents::isTerminal(found->run.status) || found->run.status == RunStatus::Pending)
          return;
        if (found->run.status == RunStatus::Stopping)
          return endRun(Intent{}, *found, stoppedBeforeStart());
        failRun(Intent{}, *found,
                Error(Code::Unavailable, "the run-host ended before the run began",
                      "start it again, or resume the session")
                    .named("run_host_lost"));
      });
}

// Claimed, but no host ever ran: the replica that claimed it died in between, or the host could not
// start. The same generation is spawned (again); the host's own lock makes a second one harmless.
void Supervisor::Impl::neverStarted(const std::string& session_id, std::int64_t generation) {
  followers.erase(session_id);
  for (const auto& [id, intent] : active)
    if (intent.session_id == session_id && intent.kind != "stop")
      return respawn(Intent(intent), generation);
  hostNeverWas(session_id, generation);
}

// Nobody is launching this host, so its files were removed. Without it a run that waits gets
// another one.
void Supervisor::Impl::hostNeverWas(const std::string& session_id, std::int64_t generation) {
  write(
      [session_id, generation](store::Tx& tx) -> Status {
        return agents::hostExited(tx, session_id, generation, agents::SessionStatus::Finished,
                                  R"({"reason":"host_lost"})", nowText());
      },
      [this, session_id, generation](Status status) {
        const bool stored = status.ok() || status.error().code() == Code::NotFound;
        if (stored) return hostOver(session_id, generation);
        log::error("cannot record that a run-host is lost",
                   {{"session_id", session_id}, {"error", status.error().message()}});
        later(kRecordRetry,
              [this, session_id, generation] { hostNeverWas(session_id, generation); });
      });
}

void Supervisor::Impl::respawn(const Intent& intent, std::int64_t generation) {
  auto found = std::make_shared<Situation>();
  read(
      [found, intent](store::Connection& db) -> Status {
        auto situation = situationOf(db, intent);
        if (!situation.ok()) return std::move(situation).error();
        *found = std::move(*situation);
        return ok();
      },
      [this, found, intent, generation](Status status) {
        if (!status.ok() && status.error().code() != Code::NotFound)
          return later(kRespawnRetry, [this, intent, generation] { respawn(intent, generation); });
        if (!status.ok() || agents::isTerminal(found->run.status)) return end(intent);
        // A further turn that was not claimed for this host yet.
        if (found->run.status == RunStatus::Pending)
          return hostNeverWas(intent.session_id, generation);
        if (found->run.status == RunStatus::Stopping)
          return endRun(intent, *found, stoppedBeforeStart());
        spawn(intent, *found);
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
