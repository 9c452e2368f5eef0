#include "tools/route_follower.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"
#include "server/routing/router.hpp"
#include "tools/route_gate.hpp"

namespace tutti::tools {
namespace {
using routing::Attempt;
using routing::DecisionStatus;

constexpr std::int64_t kEndedAtOnceMax = 16;
constexpr std::int64_t kStartRetryLeastMs = 1'000;
/// Of a result that is handed over; what an agent is told of it is less, with a word that it is so.
constexpr std::int64_t kResultReadMax = 16 * 1024;

std::string promptOf(store::Connection& db, const std::string& run_id) {
  const auto run = agents::findRun(db, run_id);
  if (!run.ok()) return {};
  const auto parameters = json::parse(run->parameters);
  return parameters.ok() ? json::stringOr(*parameters, "prompt", "") : std::string();
}

/// A gate that has ended well may have said no.
void heedGate(store::Connection& db, Attempt& attempt) {
  if (attempt.outcome != "succeeded") return;
  const auto run = agents::findRun(db, attempt.run_id);
  const auto why = run.ok() ? gateRefusal(run->result_data.value_or("")) : std::nullopt;
  if (!why) return;
  attempt.outcome = "failed";
  attempt.error_name = kGateRefused;
  attempt.error = *why;
}

void tellSession(store::Tx& tx, const Attempt& attempt, const std::string& type, Json data) {
  if (!agents::findSession(tx, attempt.session_id).ok()) return;
  agents::Event event;
  event.session_id = attempt.session_id;
  event.run_id = attempt.run_id;
  event.event_type = type;
  event.timestamp = attempt.ended_at;
  event.data = json::dump(data);
  agents::appendEvent(tx, event);
}

routing::Feedback runFeedback(const routing::StoredDecision& decision, const Attempt& attempt) {
  routing::Feedback feedback;
  feedback.decision_id = decision.decision_id;
  feedback.request = decision.request;
  feedback.request_hash = decision.request_hash;
  feedback.agent = attempt.agent;
  const bool well = attempt.outcome == "succeeded" || attempt.error_name == kGateRefused;
  feedback.outcome = well ? "succeeded" : "failed";
  feedback.source = "run";
  feedback.note = attempt.error_name;
  feedback.created_at = attempt.ended_at;
  return feedback;
}

void addProblem(routing::DecisionChange& change, const std::string& problem,
                const std::string& hint) {
  change.problem += (change.problem.empty() ? "" : "; ") + problem;
  change.hint = hint;
}

/// May a start that was refused so be taken later, without anybody changing anything?
bool mayPass(const Error& error) {
  return error.code() == Code::Unavailable || error.name() == "children_max";
}

Json nextJson(const std::vector<Attempt>& started) {
  Json next = Json::array();
  for (const Attempt& one : started)
    next.push_back(Json::object({{"agent", one.agent}, {"session_id", one.session_id}}));
  return next;
}
}  // namespace

RouteFollower::RouteFollower(const Context& context, Options options)
    : context_(context),
      options_(std::move(options)),
      self_(std::make_shared<RouteFollower*>(this)) {}
RouteFollower::~RouteFollower() {
  *self_ = nullptr;
}

RouteFollower::Seen RouteFollower::read(store::Connection& db, const std::string& owner) {
  Seen seen;
  seen.retry_at_ms = routing::nextRetry(db);
  std::set<std::string> taken;  // one of a decision at a time: each changes what the next one means
  const std::int64_t now_ms = epochMillis(Clock::system().now());
  for (Attempt& attempt : routing::endedAttempts(db, owner, now_ms, kEndedAtOnceMax)) {
    if (!taken.insert(attempt.decision_id).second) continue;
    auto decision = routing::findDecision(db, attempt.decision_id);
    if (!decision.ok()) continue;
    Ended one;
    one.progress.plan = planFrom(decision->dispatch);
    one.progress.attempts = routing::attemptsOf(db, attempt.decision_id);
    one.progress.results = routing::resultsOf(db, attempt.decision_id, kResultReadMax);
    one.prompt = promptOf(db, attempt.run_id);
    if (kindOf(one.progress.plan, attempt) == RouteStage::Kind::Gate) heedGate(db, attempt);
    if (attempt.ended_at.empty()) attempt.ended_at = isoTimestamp(Clock::system().now());
    for (Attempt& known : one.progress.attempts)
      if (known.seq == attempt.seq) known = attempt;
    one.attempt = std::move(attempt);
    one.decision = std::move(*decision);
    seen.ended.push_back(std::move(one));
  }
  return seen;
}

void RouteFollower::look() {
  again_ = true;
  if (busy_) return;
  busy_ = true;
  again_ = false;
  auto found = std::make_shared<Seen>();
  context_.store.read(
      [found, owner = context_.supervisor.replicaId()](store::Connection& db) -> Status {
        *found = read(db, owner);
        return ok();
      },
      [post = context_.post, self = self_, found](Status status) {
        post([self, found, status = std::move(status)] {
          RouteFollower* follower = *self;
          if (follower == nullptr) return;
          follower->busy_ = false;
          if (!status.ok()) {
            log::warning("ended runs of decisions could not be read: " + status.error().text());
            return follower->lookAgainIn(kStartRetryLeastMs);
          }
          // Each ends with a commit, which leads to the next look.
          std::erase_if(found->ended,
                        [&](const Ended& one) { return !follower->isOurs(one.attempt); });
          for (Ended& one : found->ended)
            follower->act(std::make_shared<Ended>(std::move(one)), "");
          if (found->ended.empty()) follower->lookAgainAt(found->retry_at_ms);
          if (found->ended.empty() && follower->again_) follower->look();
        });
      });
}

// No commit may come that leads to a look at what waits, or at what the store could not do just
// now.
void RouteFollower::lookAgainIn(std::int64_t pause_ms) {
  timer_ = options_.timers->after(pause_ms, [this] { look(); });
}

void RouteFollower::lookAgainAt(std::int64_t retry_at_ms) {
  if (retry_at_ms == 0) return timer_.reset();
  const std::int64_t left = retry_at_ms - epochMillis(Clock::system().now());
  // What is overdue here is another's, who may hang: not to be looked at all the time.
  lookAgainIn(std::clamp(left, kStartRetryLeastMs, routing::kStartRetryMaxMs));
}

bool RouteFollower::isOurs(const Attempt& attempt) const {
  const std::string& owner = attempt.owner;
  return owner.empty() || owner == context_.supervisor.replicaId() ||
         context_.supervisor.isDead(owner);
}

Result<PreparedStart> RouteFollower::nextCandidate(const Ended& ended) const {
  const Attempt& attempt = ended.attempt;
  const RouteProgress& progress = ended.progress;
  if (!progress.mayTryAnother(ended.decision.attempts_max))
    return Error(Code::ResourceExhausted, "no further agent may be tried (attempts_max)");
  const std::string& asked = ended.prompt.empty() ? ended.decision.request : ended.prompt;
  Error why(Code::NotFound, "there is no further candidate");
  for (const std::string& name : progress.candidatesFor(attempt)) {
    auto start = prepareStart(context_, progress.plan, name, handOver(asked, attempt));
    if (!start.ok()) {
      why = Error(Code::NotFound, name + " cannot be started either: " + start.error().text());
      continue;
    }
    start->stage = attempt.stage;
    start->part = attempt.part;
    return start;
  }
  return why;
}

Result<std::vector<PreparedStart>> RouteFollower::nextStage(const Ended& ended) const {
  const RouteProgress& progress = ended.progress;
  const RoutePlan& plan = progress.plan;
  Attempt place;
  place.stage = ended.attempt.stage + 1;
  const auto results = progress.handedOver(place.stage);
  std::vector<PreparedStart> starts;
  for (const RoutePart& part : plan.stages[static_cast<std::size_t>(place.stage)].parts) {
    const std::string prompt = promptFor(plan, part, results);
    auto start = prepareStart(context_, plan, part.agent, prompt);
    const std::string why = start.ok() ? std::string() : start.error().text();
    if (!start.ok())
      for (const std::string& name : progress.candidatesFor(place))
        if (!start.ok()) start = prepareStart(context_, plan, name, prompt);
    if (!start.ok())
      return Error(Code::Unavailable,
                   part.title + " cannot be begun: " + part.agent + " cannot be started: " + why);
    if (kindOf(plan, place) == RouteStage::Kind::Gate)
      start->session.blueprint = gateSnapshot(start->session.blueprint);
    start->stage = place.stage;
    start->part = place.part++;
    starts.push_back(std::move(*start));
  }
  return starts;
}

RouteFollower::Settlement RouteFollower::settle(const Ended& ended,
                                                const std::string& refused) const {
  const Attempt& attempt = ended.attempt;
  const RouteProgress& progress = ended.progress;
  Settlement made;
  made.change.problem = ended.decision.problem;  // of a part that has failed
  made.change.hint = ended.decision.hint;
  std::string why_none = refused;
  if (isAvoidable(attempt) && refused.empty()) {
    auto next = nextCandidate(ended);
    if (next.ok()) {
      made.event = "route_fallback";
      // The decision's agent is one of several perhaps: it changes when that one is replaced.
      if (ended.decision.agent == attempt.agent) made.change.agent = next->agent;
      made.next.push_back(std::move(*next));
      return made;
    }
    why_none = next.error().message();
  }
  if (const std::string problem = progress.problemOf(attempt); !problem.empty())
    addProblem(made.change, problem + (why_none.empty() ? "" : "; " + why_none), hintFor(attempt));
  made.event = "route_part_ended";
  if (progress.isOpen(attempt.stage)) return made;

  made.change.status = progress.statusAfter(attempt.stage);
  if (progress.goesOn(attempt.stage)) {
    auto next = refused.empty() ? nextStage(ended) : Error(Code::Unavailable, refused);
    if (next.ok()) {
      made.change.status = DecisionStatus::Dispatched;
      made.next = std::move(*next);
      return made;
    }
    made.change.status = DecisionStatus::NeedsDecision;
    addProblem(made.change, next.error().message(),
               "put it right and route the request again: each session has what was done");
  }
  made.event = "route_ended";
  if (made.change.status != DecisionStatus::Succeeded) made.change.hint += progress.rollbackHint();
  return made;
}

void RouteFollower::act(const std::shared_ptr<Ended>& ended, const std::string& refused) {
  auto settlement = std::make_shared<const Settlement>(settle(*ended, refused));
  auto refusal = std::make_shared<Refusal>();
  write<bool>(
      context_,
      [ended, settlement, refusal, limits = context_.supervisor.limits()](store::Tx& tx) {
        return close(tx, *ended, *settlement, limits, *refusal);
      },
      [self = self_, ended, refusal](const Result<bool>& settled) {
        if (*self != nullptr) (*self)->written(ended, settled, *refusal);
      });
}

void RouteFollower::written(const std::shared_ptr<Ended>& ended, const Result<bool>& settled,
                            const Refusal& refusal) {
  if (!refusal.why.empty()) return refused(ended, refusal);
  if (!settled.ok()) {
    log::warning("the end of a dispatched run could not be stored: " + settled.error().text());
    return lookAgainIn(kStartRetryLeastMs);
  }
  context_.supervisor.pumpLaunches();
  context_.router->storeChanged();
  look();
}

void RouteFollower::refused(const std::shared_ptr<Ended>& ended, const Refusal& refusal) {
  const std::int64_t now = epochMillis(Clock::system().now());
  const std::int64_t since = ended->decision.waiting.since_ms;
  const std::int64_t waited = since == 0 ? 0 : std::max<std::int64_t>(now - since, 0);
  if (!refusal.passes) return act(ended, refusal.why);
  if (waited >= std::chrono::milliseconds(options_.start_wait_max).count())
    return act(ended, refusal.why + "; it was tried again for " + std::to_string(waited / 1000) +
                          " s (--route-start-wait)");
  // The longer it lasts, the seldomer.
  const std::int64_t pause = std::clamp(waited / 4, kStartRetryLeastMs, routing::kStartRetryMaxMs);
  const routing::StartWait wait{now - waited, now + pause, refusal.why};
  write<bool>(
      context_,
      [ended, wait](store::Tx& tx) -> Result<bool> {
        routing::keepWaiting(tx, ended->attempt, wait);
        return true;
      },
      [self = self_](const Result<bool>& kept) {
        if (*self == nullptr) return;
        if (kept.ok()) return (*self)->look();
        log::warning("a decision's wait could not be stored: " + kept.error().text());
        (*self)->lookAgainIn(kStartRetryLeastMs);
      });
}

Result<bool> RouteFollower::close(store::Tx& tx, const Ended& ended, const Settlement& settlement,
                                  const agents::SessionLimits& limits, Refusal& refusal) {
  const Attempt& attempt = ended.attempt;
  const std::string& id = ended.decision.decision_id;
  // What follows was chosen by the attempts that there were.
  const auto now = routing::attemptsOf(tx, id);
  const std::vector<Attempt>& known = ended.progress.attempts;
  const bool same =
      std::equal(now.begin(), now.end(), known.begin(), known.end(),
                 [&](const Attempt& one, const Attempt& read) {
                   const bool open = read.seq == attempt.seq;
                   return one.seq == read.seq && one.outcome == (open ? "open" : read.outcome);
                 });
  if (!same) return false;
  routing::closeAttempt(tx, attempt);
  if (attempt.outcome == "succeeded" || attempt.outcome == "failed") {
    routing::Feedback feedback = runFeedback(ended.decision, attempt);
    feedback.teaches = ended.progress.saysWhoFits(attempt);
    routing::addFeedback(tx, std::move(feedback));
  }
  const auto started = startAll(tx, id, settlement.next, limits);
  if (!started.ok()) {
    refusal.why = settlement.next.front().agent + " cannot be started: " + started.error().text();
    refusal.passes = mayPass(started.error());
    return started.error();
  }
  routing::changeDecision(tx, id, settlement.change, attempt.ended_at);
  const bool over = settlement.change.status != DecisionStatus::Dispatched;
  if (over) routing::replaceDispatch(tx, id, outlineOf(ended.progress.plan));
  Json data = Json::object({{"decision_id", id}, {"status", toString(settlement.change.status)}});
  if (!started->empty()) data["next"] = nextJson(*started);
  if (settlement.event == "route_fallback") {
    data["agent"] = started->front().agent;
    data["next_session_id"] = started->front().session_id;
    data["reason"] = avoidableBecause(attempt.error_name);
  }
  tellSession(tx, attempt, settlement.event, std::move(data));
  return true;
}

}  // namespace tutti::tools
