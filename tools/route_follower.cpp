#include "tools/route_follower.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"
#include "server/routing/router.hpp"

namespace tutti::tools {
namespace {
using routing::Attempt;
using routing::DecisionStatus;

constexpr std::int64_t kEndedAtOnceMax = 16;

struct Avoidable {
  std::string_view error_name;
  std::string_view because;
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
    Avoidable{"agent_no_result", "ended without a result"},
    Avoidable{"run_timeout", "ran out of time"},
    Avoidable{"max_turns", "ran out of turns"},
    Avoidable{"max_budget", "ran out of budget"},
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

routing::Feedback feedbackOf(const routing::StoredDecision& decision, const Attempt& attempt) {
  routing::Feedback feedback;
  feedback.decision_id = decision.decision_id;
  feedback.request = decision.request;
  feedback.request_hash = decision.request_hash;
  feedback.agent = attempt.agent;
  feedback.outcome = attempt.outcome == "succeeded" ? "succeeded" : "failed";
  feedback.source = "run";
  feedback.note = attempt.error_name;
  feedback.created_at = attempt.ended_at;
  // A crash says nothing of whom the request is for; that counts in the agent's record.
  feedback.teaches = attempt.outcome == "succeeded";
  return feedback;
}

/// What is to be said of a decision whose last attempt has ended.
routing::DecisionChange conclude(const Attempt& last, const std::string& why_none) {
  routing::DecisionChange change{DecisionStatus::Succeeded, "", "", ""};
  if (last.outcome == "succeeded") return change;
  if (last.outcome == "stopped") {
    change.status = DecisionStatus::Failed;
    change.problem = "the run of " + last.agent + " was stopped";
    change.hint = "route the request again to start it anew";
    return change;
  }
  const bool avoidable = last.outcome == "lost" || !avoidableBecause(last.error_name).empty();
  change.status = avoidable ? DecisionStatus::NeedsDecision : DecisionStatus::Failed;
  change.problem = last.outcome == "lost"
                       ? "the session of " + last.agent + " was deleted before its end"
                       : last.agent + " failed: " + last.error_name + ": " + last.error;
  if (!why_none.empty()) change.problem += "; " + why_none;
  change.hint = avoidable ? "see what failed in each session, put it right and route the request "
                            "again, or name another agent with candidates"
                          : "another agent would fail in the same way: look at the session, change "
                            "the request, or resume the session with what it lacks";
  return change;
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
  for (Attempt& attempt : routing::endedAttempts(db, kEndedAtOnceMax)) {
    auto decision = routing::findDecision(db, attempt.decision_id);
    if (!decision.ok()) continue;
    Ended one;
    one.attempts = routing::attemptsOf(db, attempt.decision_id);
    one.prompt = promptOf(db, attempt.run_id);
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
          for (Ended& one : *found) follower->act(std::make_shared<Ended>(std::move(one)));
          if (found->empty() && follower->again_) follower->look();
        });
      });
}

void RouteFollower::act(const std::shared_ptr<Ended>& ended) {
  std::vector<PreparedStart> next;
  std::string why_none;
  Attempt& attempt = ended->attempt;
  if (attempt.ended_at.empty()) attempt.ended_at = isoTimestamp(Clock::system().now());
  const bool avoidable =
      attempt.outcome == "failed" && !avoidableBecause(attempt.error_name).empty();
  const auto tried = static_cast<std::int64_t>(ended->attempts.size());
  if (avoidable && tried >= ended->decision.attempts_max)
    why_none = std::to_string(tried) + " agents were tried (attempts_max)";
  if (avoidable && why_none.empty()) {
    const KeptDispatch kept = keptFrom(ended->decision.dispatch);
    const std::string& asked = ended->prompt.empty() ? ended->decision.request : ended->prompt;
    why_none = "there is no further candidate";
    for (const std::string& name : kept.others) {
      const bool known = std::any_of(ended->attempts.begin(), ended->attempts.end(),
                                     [&](const Attempt& one) { return one.agent == name; });
      if (known) continue;
      auto start = prepareNext(context_, name, handOver(asked, attempt), kept);
      if (!start.ok()) {
        why_none = name + " cannot be started either: " + start.error().text();
        continue;
      }
      next.push_back(std::move(*start));
      break;
    }
  }
  write<bool>(
      context_,
      [ended, next, why_none, limits = context_.supervisor.limits()](store::Tx& tx) {
        return Result<bool>(close(tx, *ended, next, why_none, limits));
      },
      [self = self_](Result<bool> settled) {
        RouteFollower* follower = *self;
        if (follower == nullptr) return;
        if (!settled.ok())  // looked at again after the next commit
          log::warning("the end of a dispatched run could not be stored: " +
                       settled.error().text());
        follower->context_.supervisor.pumpLaunches();
        follower->context_.router->storeChanged();
        if (follower->again_ || (settled.ok() && !*settled)) follower->look();
      });
}

bool RouteFollower::close(store::Tx& tx, const Ended& ended, const std::vector<PreparedStart>& next,
                          const std::string& why_none, const agents::SessionLimits& limits) {
  const Attempt& attempt = ended.attempt;
  const std::string& id = ended.decision.decision_id;
  // Who is next, and whether anyone may be, was chosen by the attempts that there were.
  if (!next.empty() && routing::attemptsOf(tx, id).size() != ended.attempts.size()) return false;
  if (!routing::closeAttempt(tx, attempt)) return true;  // another replica has acted
  if (attempt.outcome == "succeeded" || attempt.outcome == "failed")
    routing::addFeedback(tx, feedbackOf(ended.decision, attempt));
  const auto before = routing::findDecision(tx, id);
  std::string problem = before.ok() ? before->problem : "";  // of a part that has failed
  std::string hint = before.ok() ? before->hint : "";
  std::string why = why_none;
  if (!next.empty()) {
    const auto started = startAll(tx, id, next, limits);
    if (started.ok()) {
      const Attempt& further = started->front();
      // Of a swarm the decision's agent is one of several: it changes when that one is replaced.
      const bool led = before.ok() && before->agent == attempt.agent;
      routing::changeDecision(tx, id,
                              {DecisionStatus::Dispatched, led ? further.agent : "", problem, hint},
                              attempt.ended_at);
      tellSession(tx, attempt, "route_fallback",
                  Json::object({{"decision_id", id},
                                {"agent", further.agent},
                                {"next_session_id", further.session_id},
                                {"reason", avoidableBecause(attempt.error_name)}}));
      return true;
    }
    why = next.front().agent + " cannot be started either: " + started.error().text();
  }
  routing::DecisionChange change = conclude(attempt, why);
  const auto all = routing::attemptsOf(tx, id);
  // Of several that were started together the decision ends with the last, and a failure among
  // them is not covered up by another's success.
  const bool open =
      std::any_of(all.begin(), all.end(), [](const Attempt& one) { return one.outcome == "open"; });
  if (!problem.empty()) {
    if (change.status == DecisionStatus::Succeeded) change.status = DecisionStatus::NeedsDecision;
    change.problem = change.problem.empty() ? problem : problem + "; " + change.problem;
    change.hint = hint;
  }
  if (open) change.status = DecisionStatus::Dispatched;
  routing::changeDecision(tx, id, change, attempt.ended_at);
  tellSession(tx, attempt, open ? "route_part_ended" : "route_ended",
              Json::object({{"decision_id", id}, {"status", routing::toString(change.status)}}));
  return true;
}

}  // namespace tutti::tools
