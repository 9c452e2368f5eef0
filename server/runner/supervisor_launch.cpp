// Launch and stop: what the two intents do.
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/runner/host.hpp"
#include "server/runner/supervisor_impl.hpp"

namespace tutti::runner {
namespace {
constexpr std::chrono::seconds kClaimRetry{1};
constexpr std::chrono::seconds kEndRetry{1};  // when the store cannot be written
constexpr int kSpawnsMax = 3;                 // of one run, when its host dies before it has begun

agents::Outcome failedOutcome(const Error& error) {
  agents::Outcome outcome;
  outcome.error = error.message();
  outcome.error_name = std::string(error.name());
  outcome.error_hint = error.hint();
  Json told =
      Json::object({{"name", error.name()}, {"message", error.message()}, {"hint", error.hint()}});
  outcome.json = json::dump(Json::object({{"error", std::move(told)}}));
  return outcome;
}
}  // namespace

agents::Outcome stoppedBeforeStart() {
  agents::Outcome outcome;
  outcome.status = RunStatus::Stopped;
  outcome.session_status = agents::SessionStatus::Stopped;
  outcome.error = "stopped before it began";
  outcome.json = R"({"reason":"stopped_before_start"})";
  return outcome;
}

// --- launch --------------------------------------------------------------------------------------

void Supervisor::Impl::launch(const Intent& intent, const Situation& found) {
  if (agents::isTerminal(found.run.status)) return end(intent);
  const bool pending = found.run.status == RunStatus::Pending;
  if (found.run.status == RunStatus::Stopping && !found.session.host_live)
    return endRun(intent, found, stoppedBeforeStart());
  if (!found.session.host_live) return claimHost(intent);
  if (pending) return furtherTurn(intent, found);
  resumeLaunch(intent, found);
}

// The session has a host, in our care or another replica's: the run is a further turn of it.
void Supervisor::Impl::furtherTurn(const Intent& intent, const Situation& found) {
  auto follower = followerOf(found.session.session_id, found.session.generation);
  if (follower && follower->usable()) return claimTurn(intent, follower);
  const std::string owner = found.session.owner;
  const bool ours = owner == replica->id();
  if (!ours && !replica->isDead(owner)) return claimForeignTurn(intent, found);
  // The host is changing hands or about to be found gone; both end in a pump, which begins anew.
  active.erase(intent.id);
  if (!ours) return adopt(owner);
  if (!follower)
    follow(found.session.session_id, found.session.generation, Follower::Start::Adopted);
}

// A host in our care takes the run.
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
        if (!status.ok()) return notClaimed(intent, status.error());
        follower->followRun(claimed->run.run_id, claimed->run.spool_offset);
        writeThenSend(intent, follower, *claimed);
      });
}

// A host in another replica's care takes the run. That replica does the books, as for its other
// runs, and answers for the run from now on; we only deliver. It hears of the run from the host.
void Supervisor::Impl::claimForeignTurn(const Intent& intent, const Situation& found) {
  auto claimed = std::make_shared<Situation>();
  write(
      [claimed, intent, owner = found.session.owner](store::Tx& tx) -> Status {
        auto started = agents::claimRun(tx, intent.run_id, owner, /*new_host=*/false, nowText());
        if (!started.ok()) return std::move(started).error();
        if (started->session.owner != owner)
          return Error(Code::Conflict, "the host has changed hands").named("host_gone");
        agents::giveIntent(tx, intent.id, owner);
        *claimed = {std::move(started->session), std::move(started->run)};
        return ok();
      },
      [this, claimed, intent](Status status) {
        if (!status.ok()) return notClaimed(intent, status.error());
        onLauncher([this, claimed] { return writeRunFile(*claimed); },
                   [this, claimed, intent](Status written) {
                     if (!written.ok()) return failTurn(intent, *claimed, written.error());
                     deliverForeign(intent, *claimed);
                   });
      });
}

void Supervisor::Impl::deliverForeign(const Intent& intent, const Situation& claimed) {
  FollowerParts parts{io, blocking, store, layout, options.limits};
  auto courier = std::make_shared<Follower>(parts, claimed.session.session_id,
                                            claimed.run.generation, Follower::Handlers{});
  courier->start(Follower::Start::Adopted);
  Json turn = Json::object({{"cmd", "turn"}, {"run_id", claimed.run.run_id}});
  courier->send(std::move(turn), [this, intent, courier](Result<Json> ack) {
    if (closing) return;
    if (ack.ok()) return end(intent);
    active.erase(intent.id);  // the host went first: who followed it launches the run anew
    pump();
  });
}

// Stopped before it began; or its host has just gone, and then it begins anew; or the store could
// not take the claim now, and then it is tried again while the intent stands.
void Supervisor::Impl::notClaimed(const Intent& intent, const Error& error) {
  if (error.name() == "run_not_pending" || error.code() == Code::NotFound) return end(intent);
  active.erase(intent.id);
  startDone(intent.id);
  if (error.name() == "host_gone") return pump();
  log::warning("a run could not be claimed", {{"run_id", intent.run_id}, {"error", error.text()}});
  pumpLater(kClaimRetry);
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
        if (!status.ok()) return notClaimed(intent, status.error());
        spawn(intent, *claimed);
      });
}

// The run was claimed by a replica that died, or by us in a pump that could not finish.
void Supervisor::Impl::resumeLaunch(const Intent& intent, const Situation& found) {
  auto follower = followerOf(found.session.session_id, found.run.generation);
  if (!follower)
    follower = follow(found.session.session_id, found.run.generation, Follower::Start::Adopted);
  follower->followRun(found.run.run_id, found.run.spool_offset);
  writeThenSend(intent, follower, found);
}

// A host that goes while the file is written is not told any more: its follower says what follows.
void Supervisor::Impl::writeThenSend(const Intent& intent,
                                     const std::shared_ptr<Follower>& follower,
                                     const Situation& claimed) {
  auto shared = std::make_shared<const Situation>(claimed);
  onLauncher([this, shared] { return writeRunFile(*shared); },
             [this, shared, intent, follower](Status written) {
               if (!follower->usable()) return;
               if (!written.ok()) {
                 follower->runFailed(shared->run.run_id);
                 return failTurn(intent, *shared, written.error());
               }
               sendTurn(intent, follower, shared->run);
             });
}

Status Supervisor::Impl::writeRunFile(const Situation& claimed) const {
  auto snapshot = json::parse(claimed.session.blueprint);
  if (!snapshot.ok()) return std::move(snapshot).error();
  auto blueprint = agents::blueprintFromJson(*snapshot);
  if (!blueprint.ok()) return std::move(blueprint).error();
  const auto folder = layout.run(claimed.run.run_id);
  if (Status made = makeFolder(folder); !made.ok()) return made;
  return replaceFile(folder / "run.json", json::dump(toJson(makeRunSpec(claimed.run, *blueprint))));
}

Status Supervisor::Impl::writeFiles(const Situation& claimed) const {
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
  // The host has its follower before it is there: a stop that comes meanwhile is for that one.
  auto follower = prepareFollower(claimed.session.session_id, claimed.run.generation);
  follower->followRun(claimed.run.run_id, claimed.run.spool_offset);
  sendTurn(intent, follower, claimed.run);
  auto shared = std::make_shared<const Situation>(claimed);
  auto pid = std::make_shared<int>(-1);
  onLauncher(
      [this, shared, pid]() -> Status {
        if (Status written = writeFiles(*shared); !written.ok()) return written;
        const HostAddress address{layout.root(), shared->session.session_id,
                                  shared->run.generation};
        Result<int> spawned = spawnHost(options.launch.program, address);
        if (!spawned.ok()) return std::move(spawned).error();
        *pid = *spawned;
        return ok();
      },
      [this, shared, pid, intent, follower](Status status) {
        if (status.ok()) {
          reap(*pid, follower);
          return follower->start(Follower::Start::Spawned);
        }
        followers.erase(shared->session.session_id);
        follower->notStarted();
        failRun(intent, *shared, status.error());
      });
}

void Supervisor::Impl::sendTurn(const Intent& intent, const std::shared_ptr<Follower>& follower,
                                const Run& run) {
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

/// The run cannot begin at all: it ends as failed, with the reason, and so does its session.
void Supervisor::Impl::failRun(const Intent& intent, const Situation& claimed, const Error& error) {
  endRun(intent, claimed, failedOutcome(error));
}

/// The same of a turn whose host lives, and waits for the next.
void Supervisor::Impl::failTurn(const Intent& intent, const Situation& claimed,
                                const Error& error) {
  agents::Outcome outcome = failedOutcome(error);
  outcome.session_status = agents::SessionStatus::Idle;
  endRun(intent, claimed, std::move(outcome));
}

void Supervisor::Impl::endRun(const Intent& intent, const Situation& claimed,
                              agents::Outcome outcome) {
  outcome.completed_at = nowText();
  write(
      [claimed, outcome](store::Tx& tx) -> Status {
        const std::int64_t generation = claimed.run.generation;
        auto ended = agents::applyOutcome(tx, claimed.run.run_id, generation, outcome);
        if (!ended.ok()) return std::move(ended).error();
        if (outcome.session_status == agents::SessionStatus::Idle) return ok();
        return agents::hostExited(tx, claimed.session.session_id, generation,
                                  outcome.session_status, R"({"reason":"never_began"})",
                                  outcome.completed_at);
      },
      [this, intent, claimed, outcome](Status status) {
        if (status.ok()) return end(intent);
        log::error("cannot record the end of a run", {{"error", status.error().message()}});
        const Code code = status.error().code();
        if (code != Code::Unavailable && code != Code::ResourceExhausted) return end(intent);
        later(kEndRetry, [this, intent, claimed, outcome] { endRun(intent, claimed, outcome); });
      });
}

// --- stop ----------------------------------------------------------------------------------------

void Supervisor::Impl::stop(const Intent& intent, const Situation& found) {
  if (!found.session.host_live) return end(intent);
  auto follower = followerOf(found.session.session_id, found.session.generation);
  if (!follower && isLaunching(found.session.session_id)) {
    active.erase(intent.id);  // found again when the launch is over, or has a host
    return;
  }
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

}  // namespace tutti::runner
