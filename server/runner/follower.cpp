#include "server/runner/follower.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/base/fd.hpp"
#include "server/base/log.hpp"
#include "server/runner/host.hpp"
#include "server/runner/spool.hpp"

namespace tutti::runner {
namespace net = boost::asio;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {
constexpr milliseconds kConnectMax{
    15'000};  // a host that does not listen by then is taken for dead
constexpr milliseconds kRetryMax{50};
constexpr milliseconds kPromptRetryMax{2};  ///< while a host that was just spawned is due
constexpr milliseconds kPromptFor{200};
constexpr std::int64_t kOrphanGraceMs = 2'000;
constexpr std::chrono::seconds kStoreRetry{1};  ///< after a write or read that failed

std::string nowText() {
  return isoTimestamp(Clock::system().now());
}

std::int64_t spoolBytes(const fs::path& run_folder) {
  std::error_code none;
  const auto size = fs::file_size(run_folder / "events.ndjson", none);
  return none ? 0 : static_cast<std::int64_t>(size);
}

Error hostGone(const std::string& session_id) {
  return Error(Code::Unavailable, "the run-host of session '" + session_id + "' has ended")
      .named("run_host_gone");
}
}  // namespace

Follower::Follower(FollowerParts parts, std::string session_id, std::int64_t generation,
                   Handlers handlers)
    : parts_(parts),
      session_id_(std::move(session_id)),
      generation_(generation),
      handlers_(std::move(handlers)) {}

Follower::~Follower() = default;

void Follower::start(Start how) {
  how_ = how;
  began_ = SteadyClock::now();
  // Later: a host that is gone already is settled at once, and by then its run must be known.
  net::post(parts_.io, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->tryConnect();
  });
}

void Follower::abandon() {
  state_ = State::Gone;
  handlers_ = {};
  link_.reset();
  waiting_.clear();
}

void Follower::notStarted() {
  handlers_ = {};
  state_ = State::Gone;
  answerAllGone();
}

void Follower::answerAllGone() {
  auto unanswered = std::move(waiting_);
  waiting_.clear();
  for (Command& command : unanswered)
    if (command.acknowledged) command.acknowledged(hostGone(session_id_));
}

void Follower::tryConnect() {
  if (state_ != State::Connecting) return;
  HostLink::Handlers handlers;
  handlers.message = [weak = weak_from_this()](const Json& message) {
    if (auto self = weak.lock()) self->onMessage(message);
  };
  handlers.closed = [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->onClosed();
  };
  auto link = HostLink::connect(parts_.io, parts_.layout.host(session_id_, generation_),
                                std::move(handlers));
  if (link.ok()) {
    link_ = std::move(*link);
    return linked();
  }
  const bool may_come = (how_ == Start::Spawned && !process_ended_) || hostMayListen();
  if (may_come && SteadyClock::now() - began_ < kConnectMax) return retryLater();
  gone();
}

void Follower::retryLater() {
  auto timer = std::make_shared<net::steady_timer>(parts_.io, delay_);
  const bool prompt = how_ == Start::Spawned && SteadyClock::now() - began_ < kPromptFor;
  delay_ = std::min(delay_ * 2, prompt ? kPromptRetryMax : kRetryMax);
  timer->async_wait([weak = weak_from_this(), timer](boost::system::error_code) {
    if (auto self = weak.lock()) self->tryConnect();
  });
}

void Follower::processEnded() {
  process_ended_ = true;
  if (state_ == State::Connecting) tryConnect();
}

void Follower::linked() {
  state_ = State::Linked;
  for (const Command& command : waiting_) link_->send(command.json);
  ingest();
}

void Follower::send(Json command, Acknowledged acknowledged) {
  if (state_ == State::Gone) {
    if (acknowledged) acknowledged(hostGone(session_id_));
    return;
  }
  if (state_ == State::Linked) link_->send(command);
  waiting_.push_back({std::move(command), std::move(acknowledged)});
}

void Follower::onMessage(const Json& message) {
  if (const Json* ack = json::find(message, "ack")) return onAck(*ack);
  for (const char* kind : {"spool", "outcome", "hello"}) {
    const Json* news = json::find(message, kind);
    if (news == nullptr) continue;
    if (handlers_.over) heardOf(json::stringOr(*news, "run_id", ""));
    ingest();
  }
}

// A run that nobody gave us to follow: another replica delivered it to our host. How much of it is
// in the store, the store knows.
void Follower::heardOf(const std::string& run_id) {
  if (run_id.empty() || run_id == run_id_ || run_id == last_run_id_) return;
  for (const NextRun& next : next_runs_)
    if (next.run_id == run_id) return;
  if (!run_id_.empty()) return followRun(run_id, 0);
  run_id_ = run_id;
  ingesting_ = true;
  reloadOffset();
}

// Acknowledgements come in the order of the commands, so the first of the same kind is meant.
void Follower::onAck(const Json& ack) {
  const std::string kind = json::stringOr(ack, "cmd", "");
  for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
    if (json::stringOr(at->json, "cmd", "") != kind) continue;
    Acknowledged acknowledged = std::move(at->acknowledged);
    waiting_.erase(at);
    // A host that refuses because it is on its way out takes its agent's grace to go.
    const bool ending = json::stringOr(ack, "error_name", "") == kHostEnding;
    if (acknowledged) acknowledged(ending ? Result<Json>(hostGone(session_id_)) : Json(ack));
    return;
  }
}

void Follower::onClosed() {
  if (state_ == State::Linked) gone();
}

// Without its folder a host cannot be reached, though it may live.
bool Follower::hostMayListen() const {
  const fs::path lock = parts_.layout.sessionHosts(session_id_) / "lock";
  const Fd probe(::open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  return probe && ::flock(probe.get(), LOCK_SH | LOCK_NB) != 0 &&
         fs::exists(parts_.layout.host(session_id_, generation_));
}

// Its folder may have been removed, so what else remembers it counts too.
bool Follower::hostLeftTraces() const {
  const fs::path folder = parts_.layout.host(session_id_, generation_);
  const auto started = newestStarted(parts_.layout.sessionHosts(session_id_) / "lock");
  return started.value_or(-1) >= generation_ || fs::exists(folder / "state.json") ||
         fs::exists(folder / "exit.json") || fs::exists(folder / "control.sock") ||
         (!run_id_.empty() && runBegan());
}

bool Follower::runBegan() const {
  return offset_ > 0 || fs::exists(parts_.layout.run(run_id_) / "events.ndjson");
}

// --- the spool into the store -------------------------------------------------------------------

void Follower::followRun(const std::string& run_id, std::int64_t offset) {
  if (run_id_ == run_id) return;
  if (!run_id_.empty()) {
    next_runs_.push_back({run_id, offset});
    return;
  }
  run_id_ = run_id;
  offset_ = offset;
  ingest();
}

void Follower::runFailed(const std::string& run_id) {
  std::erase_if(next_runs_, [&](const auto& next) { return next.run_id == run_id; });
  if (run_id_ == run_id && !ingesting_) runOver();
}

void Follower::ingest() {
  if (run_id_.empty() || ingesting_) return;  // a step under way looks again before it ends
  ingesting_ = true;
  ingestStep();
}

void Follower::ingestStep() {
  const fs::path folder = parts_.layout.run(run_id_);
  // The outcome is looked for first: when it is there, the spool has its last line.
  Result<std::optional<agents::Outcome>> outcome = readOutcome(folder);
  Result<agents::SpoolChunk> chunk = readSpool(folder, session_id_, run_id_, generation_, offset_);
  if (!chunk.ok() && chunk.error().code() != Code::NotFound)
    log::error("spool unreadable", {{"run_id", run_id_}, {"error", chunk.error().message()}});
  agents::SpoolChunk piece;
  if (chunk.ok()) piece = std::move(*chunk);
  if (!chunk.ok()) piece = {run_id_, generation_, offset_, offset_, {}};

  const bool ended = outcome.ok() && outcome->has_value();
  const bool at_end = piece.to == piece.from || piece.to >= spoolBytes(folder);
  if (piece.to == piece.from && !ended) {
    ingesting_ = false;
    if (settling_) settle();
    return;
  }
  std::optional<agents::Outcome> last;
  if (ended && at_end) last = std::move(**outcome);
  auto shared = std::make_shared<agents::SpoolChunk>(std::move(piece));
  const bool over = last.has_value();
  parts_.store.write(
      [shared, last = std::move(last), limits = parts_.limits](store::Tx& tx) -> Status {
        if (shared->to > shared->from) {
          if (Status applied = agents::applySpool(tx, *shared, limits); !applied.ok())
            return applied;
        }
        if (!last) return ok();
        auto ended_now = agents::applyOutcome(tx, shared->run_id, shared->generation, *last);
        if (!ended_now.ok()) return std::move(ended_now).error();
        return ok();
      },
      [self = shared_from_this(), shared, over](Status status) {
        net::post(self->parts_.io, [self, shared, over, status = std::move(status)]() mutable {
          self->ingested(std::move(status), std::move(*shared), over);
        });
      });
}

void Follower::ingested(Status status, agents::SpoolChunk chunk, bool over) {
  if (state_ == State::Gone && !settling_) return;  // abandoned
  if (!status.ok() && status.error().name() == "spool_moved") return reloadOffset();
  const bool deleted = !status.ok() && status.error().code() == Code::NotFound;
  if (!status.ok() && !deleted) {  // an outcome too: it is in its file until the store has it
    log::error("cannot store events", {{"run_id", run_id_}, {"error", status.error().message()}});
    return ingestLater();
  }
  offset_ = chunk.to;
  if (over || deleted) return runOver();
  ingestStep();
}

void Follower::ingestLater() {
  ingesting_ = false;
  auto timer = std::make_shared<net::steady_timer>(parts_.io, kStoreRetry);
  timer->async_wait([weak = weak_from_this(), timer](boost::system::error_code) {
    if (auto self = weak.lock()) self->ingest();
  });
}

// Another replica stored this piece already: go on from where the store is.
void Follower::reloadOffset() {
  auto run = std::make_shared<agents::Run>();
  parts_.store.read(
      [run, id = run_id_](store::Connection& db) -> Status {
        auto found = agents::findRun(db, id);
        if (!found.ok()) return std::move(found).error();
        *run = std::move(*found);
        return ok();
      },
      [self = shared_from_this(), run](Status status) {
        net::post(self->parts_.io, [self, run, status = std::move(status)] {
          const bool deleted = !status.ok() && status.error().code() == Code::NotFound;
          if (deleted || agents::isTerminal(run->status)) return self->runOver();
          if (!status.ok()) return self->ingestLater();
          self->offset_ = run->spool_offset;
          self->ingestStep();
        });
      });
}

void Follower::runOver() {
  ingesting_ = false;
  std::error_code ignored;
  fs::remove_all(parts_.layout.run(run_id_), ignored);  // all of it is in the store
  last_run_id_ = std::exchange(run_id_, {});
  if (!next_runs_.empty()) {
    const NextRun next = std::move(next_runs_.front());
    next_runs_.pop_front();
    return followRun(next.run_id, next.offset);
  }
  if (settling_) settle();
}

// --- the host is gone ----------------------------------------------------------------------------

void Follower::gone() {
  if (state_ == State::Gone) return;
  const bool was_linked = state_ == State::Linked;
  state_ = State::Gone;
  link_.reset();
  answerAllGone();
  if (!was_linked && !hostLeftTraces() && handlers_.never_started) {
    auto never_started = std::exchange(handlers_.never_started, nullptr);
    handlers_ = {};
    return never_started();
  }
  if (!handlers_.over) return;  // a courier: the books are another replica's
  settling_ = true;
  if (run_id_.empty()) return settle();
  ingest();
}

// Runs when nothing of the spool is left to store. A run still unfinished has lost its host.
void Follower::settle() {
  settling_ = false;
  const fs::path folder = parts_.layout.host(session_id_, generation_);
  if (readHostExit(folder)) return recordExit();
  net::post(parts_.blocking, [self = shared_from_this(), folder] {
    std::string report = reapOrphans(folder, self->session_id_, self->generation_, kOrphanGraceMs);
    net::post(self->parts_.io, [self, report = std::move(report)]() mutable {
      self->afterOrphans(std::move(report));
    });
  });
}

void Follower::afterOrphans(std::string report) {
  orphans_ = std::move(report);
  log::warning("run-host lost", {{"session_id", session_id_}, {"run_id", run_id_}});
  recordExit();
}

void Follower::recordExit() {
  const std::optional<HostExit> exit = readHostExit(parts_.layout.host(session_id_, generation_));
  agents::SessionStatus status = exit ? exit->session_status : agents::SessionStatus::Finished;
  std::string reason = exit ? exit->json : R"({"reason":"host_lost"})";
  if (!exit && !orphans_.empty()) reason = R"({"reason":"host_lost","orphans":)" + orphans_ + "}";

  agents::Outcome lost;
  lost.error = "the run-host ended before the run did";
  lost.error_name = "run_host_lost";
  lost.error_hint = "start it again, or resume the session";
  lost.json = reason;
  lost.completed_at = nowText();
  const std::string lost_run = run_id_.empty() || !runBegan() ? std::string() : run_id_;
  parts_.store.write(
      [id = session_id_, run_id = lost_run, generation = generation_, status, reason,
       lost](store::Tx& tx) -> Status {
        if (!run_id.empty()) {
          auto ended = agents::applyOutcome(tx, run_id, generation, lost);
          if (!ended.ok() && ended.error().code() != Code::NotFound)
            return std::move(ended).error();
        }
        Status recorded = agents::hostExited(tx, id, generation, status, reason, lost.completed_at);
        if (!recorded.ok() && recorded.error().code() == Code::NotFound) return ok();
        return recorded;
      },
      [self = shared_from_this(), lost_run](Status stored) {
        net::post(self->parts_.io, [self, lost_run, stored = std::move(stored)] {
          if (stored.ok()) return self->finished(lost_run);
          log::error("cannot record the end of a run-host",
                     {{"session_id", self->session_id_}, {"error", stored.error().message()}});
          self->recordLater();
        });
      });
}

void Follower::recordLater() {
  auto timer = std::make_shared<net::steady_timer>(parts_.io, kStoreRetry);
  timer->async_wait([weak = weak_from_this(), timer](boost::system::error_code) {
    if (auto self = weak.lock(); self && self->handlers_.over) self->recordExit();
  });
}

void Follower::finished(const std::string& lost_run) {
  std::error_code ignored;
  fs::remove_all(parts_.layout.host(session_id_, generation_), ignored);
  if (!lost_run.empty()) fs::remove_all(parts_.layout.run(lost_run), ignored);
  if (auto over = std::exchange(handlers_.over, nullptr)) over();
}

}  // namespace tutti::runner
