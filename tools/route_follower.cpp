#include "tools/route_follower.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/routing/router.hpp"

namespace tutti::tools {
namespace {
using routing::Attempt;
using routing::DecisionStatus;

constexpr std::int64_t kEndedAtOnceMax = 16;
/// Of a result that is handed over; what an agent is told of it is less, with a word that it is so.
constexpr std::int64_t kResultReadMax = 16 * 1024;

enum class Fit { Unknown, Poor };
struct Avoidable {
  std::string_view error_name;
  std::string_view because;
  Fit fit = Fit::Unknown;  ///< Poor: it had its chance, and the request was not for it
};
/// The one table of failures that say something of the agent or its machine, not of the request.
constexpr std::array kAvoidable = {
    Avoidable{"agent_not_installed", "is not installed"},
    Avoidable{"agent_not_found", "is not installed"},
    Avoidable{"agent_not_executable", "cannot be executed"},
    Avoidable{"agent_start_failed", "could not be started"},
    Avoidable{"agent_setup_failed", "could not be started"},
    Avoidable{"bad_blueprint", "has a blueprint that cannot be used"},
    Avoidable{"unknown_driver", "has a blueprint that cannot be used"},
    Avoidable{"host_not_startable", "could not be started"},
    Avoidable{"process_limit", "could not be started"},
    Avoidable{"run_host_failed", "lost its host"},
    Avoidable{"run_host_gone", "lost its host"},
    Avoidable{"run_host_lost", "lost its host"},
    Avoidable{"agent_exited", "crashed"},
    Avoidable{"agent_no_result", "ended without a result", Fit::Poor},
    Avoidable{"run_timeout", "ran out of time", Fit::Poor},
    Avoidable{"max_turns", "ran out of turns", Fit::Poor},
    Avoidable{"max_budget", "ran out of budget", Fit::Poor},
    Avoidable{"agent_auth_failed", "is not authorised"},
    Avoidable{"agent_model_not_found", "may not use its model"},
    Avoidable{"agent_model_error", "has a model that fails"},
    Avoidable{"agent_rate_limited", "is at its rate limit"},
    Avoidable{"agent_overloaded", "is overloaded"},
    Avoidable{"agent_api_error", "could not reach its model"},
};

std::string promptOf(store::Connection& db, const std::string& run_id) {
  const auto run = agents::findRun(db, run_id);
  if (!run.ok()) return {};
  const auto parameters = json::parse(run->parameters);
  return parameters.ok() ? json::stringOr(*parameters, "prompt", "") : std::string();
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

bool samePart(const Attempt& one, const Attempt& other) {
  return one.stage == other.stage && one.part == other.part;
}

bool saysPoorFit(const Attempt& attempt) {
  return std::any_of(kAvoidable.begin(), kAvoidable.end(), [&](const Avoidable& one) {
    return one.error_name == attempt.error_name && one.fit == Fit::Poor;
  });
}

bool avoidable(const Attempt& attempt) {
  return attempt.outcome == "failed" && !avoidableBecause(attempt.error_name).empty();
}

/// Does a run's end say whom the whole request is for? A crash does not; that counts in the agent's
/// record. Nor does the end of a part of it, nor the success of who came in for another whose
/// failure does not tell whether the request was for that one.
bool saysWhoFits(const RoutePlan& plan, const std::vector<Attempt>& attempts,
                 const Attempt& attempt) {
  if (attempt.outcome != "succeeded" || kindOf(plan, attempt) != RouteStage::Kind::Work)
    return false;
  return std::all_of(attempts.begin(), attempts.end(), [&](const Attempt& one) {
    return one.seq >= attempt.seq || !samePart(one, attempt) || saysPoorFit(one);
  });
}

routing::Feedback runFeedback(const routing::StoredDecision& decision, const Attempt& attempt) {
  routing::Feedback feedback;
  feedback.decision_id = decision.decision_id;
  feedback.request = decision.request;
  feedback.request_hash = decision.request_hash;
  feedback.agent = attempt.agent;
  feedback.outcome = attempt.outcome == "succeeded" ? "succeeded" : "failed";
  feedback.source = "run";
  feedback.note = attempt.error_name;
  feedback.created_at = attempt.ended_at;
  return feedback;
}

/// "step 2 of 4: scan_all_hosts (scanner)", or the agent alone where there is one part.
std::string whoOf(const RoutePlan& plan, const Attempt& attempt) {
  const RoutePart* part = partOf(plan, attempt);
  if (part == nullptr || part->title.empty()) return attempt.agent;
  return part->title + " (" + attempt.agent + ")";
}

std::string problemOf(const RoutePlan& plan, const Attempt& attempt) {
  const std::string who = whoOf(plan, attempt);
  if (attempt.outcome == "succeeded") return {};
  if (attempt.outcome == "stopped") return "the run of " + who + " was stopped";
  if (attempt.outcome == "lost") return "the session of " + who + " was deleted before its end";
  return who + " failed: " + attempt.error_name + ": " + attempt.error;
}

std::string hintFor(const Attempt& attempt) {
  if (attempt.outcome == "stopped") return "route the request again to start it anew";
  if (attempt.outcome == "lost" || avoidable(attempt))
    return "see what failed in each session, put it right and route the request again, or name "
           "another agent with candidates";
  return "another agent would fail in the same way: look at the session, change the request, or "
         "resume the session with what it lacks";
}

/// What the workflow asks for when a step has failed; "" when it asks for nothing.
std::string rollbackHint(const RoutePlan& plan, const std::vector<Attempt>& attempts) {
  std::vector<std::string> done;
  for (const Attempt& one : attempts)
    if (kindOf(plan, one) == RouteStage::Kind::Step && one.outcome == "succeeded")
      done.push_back(whoOf(plan, one) + " in session " + one.session_id);
  if (!plan.rollback || done.empty()) return {};
  return "; the workflow '" + plan.workflow +
         "' asks that its finished steps be undone, and nothing has been undone yet: resume " +
         joined(done) + " for it, the last one first";
}

void addProblem(routing::DecisionChange& change, const std::string& problem,
                const std::string& hint) {
  change.problem += (change.problem.empty() ? "" : "; ") + problem;
  change.hint = hint;
}

/// Those of the stage that did not end well, each by its newest attempt.
std::vector<const Attempt*> failedIn(const std::vector<Attempt>& attempts, std::int64_t stage) {
  std::vector<const Attempt*> failed;
  for (const auto& [part, latest] : latestOf(attempts, stage))
    if (latest->outcome != "succeeded") failed.push_back(latest);
  return failed;
}

bool isOpen(const std::vector<Attempt>& attempts, std::int64_t stage) {
  return std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& one) {
    return one.stage == stage && one.outcome == "open";
  });
}

bool joins(const RoutePlan& plan) {
  return std::any_of(plan.stages.begin(), plan.stages.end(),
                     [](const RouteStage& stage) { return stage.kind == RouteStage::Kind::Join; });
}

/// May the next stage begin after this one, which is over?
bool goesOn(const RoutePlan& plan, const std::vector<Attempt>& attempts, const Attempt& last) {
  if (static_cast<std::size_t>(last.stage) + 1 >= plan.stages.size()) return false;
  const std::size_t failed = failedIn(attempts, last.stage).size();
  if (failed == 0) return true;
  const bool research = kindOf(plan, last) == RouteStage::Kind::Research;
  return research && failed < latestOf(attempts, last.stage).size();
}

/// The status of a decision whose last stage is over. What failed among the researchers is in the
/// coordinator's answer; without one it is not covered up by the others' success.
DecisionStatus statusOf(const RoutePlan& plan, const std::vector<Attempt>& attempts,
                        const Attempt& last) {
  std::size_t researched = 0;
  std::vector<const Attempt*> failed;
  for (std::int64_t stage = 0; stage <= last.stage; ++stage) {
    Attempt place;
    place.stage = stage;
    if (kindOf(plan, place) == RouteStage::Kind::Research)
      researched += latestOf(attempts, stage).size();
    const bool told = joins(plan) && stage < last.stage;
    for (const Attempt* one : failedIn(attempts, stage))
      if (!told) failed.push_back(one);
  }
  if (failed.empty()) return DecisionStatus::Succeeded;
  const bool decidable = std::any_of(failed.begin(), failed.end(), [](const Attempt* one) {
    return one->outcome == "lost" || avoidable(*one);
  });
  const bool research = std::all_of(failed.begin(), failed.end(), [&](const Attempt* one) {
    return kindOf(plan, *one) == RouteStage::Kind::Research;
  });
  const bool some_done = research && failed.size() < researched;
  return some_done || decidable ? DecisionStatus::NeedsDecision : DecisionStatus::Failed;
}

/// What of the parts that have ended is handed over, in their order.
std::vector<PartResult> resultsFor(const RoutePlan& plan, const std::vector<Attempt>& attempts,
                                   const std::vector<routing::AttemptResult>& results,
                                   std::int64_t stages) {
  std::vector<PartResult> all;
  for (std::int64_t stage = 0; stage < stages; ++stage)
    for (const auto& [part, latest] : latestOf(attempts, stage)) {
      const RoutePart* known = partOf(plan, *latest);
      PartResult one;
      one.title = known == nullptr ? "part" : known->title;
      one.agent = latest->agent;
      one.session_id = latest->session_id;
      one.problem = problemOf(plan, *latest);
      for (const routing::AttemptResult& result : results)
        if (result.seq == latest->seq) one.text = result.text;
      all.push_back(std::move(one));
    }
  return all;
}

/// Who may take a part when its agent cannot, best first. Nobody for a gate: its rule names who has
/// to look. Not who has been tried for it, nor who has failed at another part of the request.
std::vector<std::string> candidatesFor(const RoutePlan& plan, const RoutePart* part,
                                       const Attempt& place, const std::vector<Attempt>& attempts) {
  if (kindOf(plan, place) == RouteStage::Kind::Gate) return {};
  std::vector<std::string> all = part == nullptr ? std::vector<std::string>() : part->others;
  all.insert(all.end(), plan.others.begin(), plan.others.end());
  std::set<std::string> seen;
  for (const Attempt& one : attempts)
    if (samePart(one, place) || one.outcome == "failed") seen.insert(one.agent);
  std::vector<std::string> open;
  for (std::string& name : all)
    if (seen.insert(name).second) open.push_back(std::move(name));
  return open;
}

/// Attempts beyond one for each part.
std::int64_t furtherAttempts(const std::vector<Attempt>& attempts) {
  std::set<std::pair<std::int64_t, std::int64_t>> parts;
  for (const Attempt& one : attempts) parts.insert({one.stage, one.part});
  return static_cast<std::int64_t>(attempts.size() - parts.size());
}

Json nextJson(const std::vector<Attempt>& started) {
  Json next = Json::array();
  for (const Attempt& one : started)
    next.push_back(Json::object({{"agent", one.agent}, {"session_id", one.session_id}}));
  return next;
}
}  // namespace

std::string_view avoidableBecause(std::string_view error_name) {
  for (const Avoidable& one : kAvoidable)
    if (one.error_name == error_name) return one.because;
  return {};
}

RouteFollower::RouteFollower(const Context& context)
    : context_(context), self_(std::make_shared<RouteFollower*>(this)) {}
RouteFollower::~RouteFollower() {
  *self_ = nullptr;
}

std::vector<RouteFollower::Ended> RouteFollower::read(store::Connection& db) {
  std::vector<Ended> all;
  std::set<std::string> taken;  // one of a decision at a time: each changes what the next one means
  for (Attempt& attempt : routing::endedAttempts(db, kEndedAtOnceMax)) {
    if (!taken.insert(attempt.decision_id).second) continue;
    auto decision = routing::findDecision(db, attempt.decision_id);
    if (!decision.ok()) continue;
    Ended one;
    one.attempts = routing::attemptsOf(db, attempt.decision_id);
    one.results = routing::resultsOf(db, attempt.decision_id, kResultReadMax);
    one.prompt = promptOf(db, attempt.run_id);
    one.plan = planFrom(decision->dispatch);
    if (attempt.ended_at.empty()) attempt.ended_at = isoTimestamp(Clock::system().now());
    for (Attempt& known : one.attempts)
      if (known.seq == attempt.seq) known = attempt;
    one.attempt = std::move(attempt);
    one.decision = std::move(*decision);
    all.push_back(std::move(one));
  }
  return all;
}

void RouteFollower::look() {
  again_ = true;
  if (busy_) return;
  busy_ = true;
  again_ = false;
  auto found = std::make_shared<std::vector<Ended>>();
  context_.store.read(
      [found](store::Connection& db) -> Status {
        *found = read(db);
        return ok();
      },
      [post = context_.post, self = self_, found](Status) {
        post([self, found] {
          RouteFollower* follower = *self;
          if (follower == nullptr) return;
          follower->busy_ = false;
          // Each ends with a commit, which leads to the next look.
          for (Ended& one : *found) follower->act(std::make_shared<Ended>(std::move(one)), "");
          if (found->empty() && follower->again_) follower->look();
        });
      });
}

Result<PreparedStart> RouteFollower::nextCandidate(const Ended& ended) const {
  const Attempt& attempt = ended.attempt;
  const auto parts = std::max<std::int64_t>(static_cast<std::int64_t>(partCount(ended.plan)), 1);
  if (furtherAttempts(ended.attempts) + parts >= ended.decision.attempts_max)
    return Error(Code::ResourceExhausted, "no further agent may be tried (attempts_max)");
  const std::string& asked = ended.prompt.empty() ? ended.decision.request : ended.prompt;
  Error why(Code::NotFound, "there is no further candidate");
  for (const std::string& name :
       candidatesFor(ended.plan, partOf(ended.plan, attempt), attempt, ended.attempts)) {
    auto start = prepareStart(context_, ended.plan, name, handOver(asked, attempt));
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
  Attempt place;
  place.stage = ended.attempt.stage + 1;
  const RouteStage& stage = ended.plan.stages[static_cast<std::size_t>(place.stage)];
  const auto results = resultsFor(ended.plan, ended.attempts, ended.results, place.stage);
  std::vector<PreparedStart> starts;
  for (const RoutePart& part : stage.parts) {
    const std::string prompt = promptFor(ended.plan, part, results);
    auto start = prepareStart(context_, ended.plan, part.agent, prompt);
    if (!start.ok())
      for (const std::string& name : candidatesFor(ended.plan, &part, place, ended.attempts)) {
        if (name == part.agent) continue;
        auto other = prepareStart(context_, ended.plan, name, prompt);
        if (!other.ok()) continue;
        start = std::move(other);
        break;
      }
    if (!start.ok())
      return Error(Code::Unavailable, part.title + " cannot be begun: " + part.agent +
                                          " cannot be started: " + start.error().text());
    start->stage = place.stage;
    start->part = place.part++;
    starts.push_back(std::move(*start));
  }
  return starts;
}

RouteFollower::Settlement RouteFollower::settle(const Ended& ended,
                                                const std::string& refused) const {
  const Attempt& attempt = ended.attempt;
  Settlement made;
  made.change.problem = ended.decision.problem;  // of a part that has failed
  made.change.hint = ended.decision.hint;
  std::string why_none = refused;
  if (avoidable(attempt) && refused.empty()) {
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
  if (const std::string problem = problemOf(ended.plan, attempt); !problem.empty())
    addProblem(made.change, problem + (why_none.empty() ? "" : "; " + why_none), hintFor(attempt));
  made.event = "route_part_ended";
  if (isOpen(ended.attempts, attempt.stage)) return made;

  made.change.status = statusOf(ended.plan, ended.attempts, attempt);
  if (goesOn(ended.plan, ended.attempts, attempt)) {
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
  if (made.change.status != DecisionStatus::Succeeded)
    made.change.hint += rollbackHint(ended.plan, ended.attempts);
  return made;
}

void RouteFollower::act(const std::shared_ptr<Ended>& ended, const std::string& refused) {
  auto settlement = std::make_shared<const Settlement>(settle(*ended, refused));
  auto why = std::make_shared<std::string>();
  write<bool>(
      context_,
      [ended, settlement, why, limits = context_.supervisor.limits()](store::Tx& tx) {
        return close(tx, *ended, *settlement, limits, *why);
      },
      [self = self_, ended, why](const Result<bool>& settled) {
        if (*self != nullptr) (*self)->written(ended, settled, *why);
      });
}

void RouteFollower::written(const std::shared_ptr<Ended>& ended, const Result<bool>& settled,
                            const std::string& refused) {
  if (!refused.empty()) return act(ended, refused);
  if (!settled.ok())  // looked at again after the next commit
    log::warning("the end of a dispatched run could not be stored: " + settled.error().text());
  context_.supervisor.pumpLaunches();
  context_.router->storeChanged();
  if (again_ || settled.ok()) look();
}

Result<bool> RouteFollower::close(store::Tx& tx, const Ended& ended, const Settlement& settlement,
                                  const agents::SessionLimits& limits, std::string& refused) {
  const Attempt& attempt = ended.attempt;
  const std::string& id = ended.decision.decision_id;
  // What follows was chosen by the attempts that there were.
  const auto now = routing::attemptsOf(tx, id);
  const bool same =
      std::equal(now.begin(), now.end(), ended.attempts.begin(), ended.attempts.end(),
                 [&](const Attempt& one, const Attempt& read) {
                   const bool open = read.seq == attempt.seq;
                   return one.seq == read.seq && one.outcome == (open ? "open" : read.outcome);
                 });
  if (!same) return false;
  routing::closeAttempt(tx, attempt);
  if (attempt.outcome == "succeeded" || attempt.outcome == "failed") {
    routing::Feedback feedback = runFeedback(ended.decision, attempt);
    feedback.teaches = saysWhoFits(ended.plan, ended.attempts, attempt);
    routing::addFeedback(tx, std::move(feedback));
  }
  const auto started = startAll(tx, id, settlement.next, limits);
  if (!started.ok()) {
    refused = settlement.next.front().agent + " cannot be started: " + started.error().text();
    return started.error();
  }
  routing::changeDecision(tx, id, settlement.change, attempt.ended_at);
  const bool over = settlement.change.status != DecisionStatus::Dispatched;
  if (over) routing::replaceDispatch(tx, id, outlineOf(ended.plan));
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
