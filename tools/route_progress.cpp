#include "tools/route_progress.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "server/base/text.hpp"
#include "tools/route_gate.hpp"

namespace tutti::tools {
namespace {
using routing::Attempt;
using routing::DecisionStatus;
using ProgressKind = RouteStage::Kind;

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

bool saysPoorFit(const Attempt& attempt) {
  return std::any_of(kAvoidable.begin(), kAvoidable.end(), [&](const Avoidable& one) {
    return one.error_name == attempt.error_name && one.fit == Fit::Poor;
  });
}

bool samePart(const Attempt& one, const Attempt& other) {
  return one.stage == other.stage && one.part == other.part;
}

/// Those of the stage that did not end well, each by its newest attempt.
std::vector<const Attempt*> failedIn(const std::vector<Attempt>& attempts, std::int64_t stage) {
  std::vector<const Attempt*> failed;
  for (const auto& [part, latest] : latestOf(attempts, stage))
    if (latest->outcome != "succeeded") failed.push_back(latest);
  return failed;
}

ProgressKind kindAt(const RoutePlan& plan, std::int64_t stage) {
  Attempt place;
  place.stage = stage;
  return kindOf(plan, place);
}

bool joins(const RoutePlan& plan) {
  return std::any_of(plan.stages.begin(), plan.stages.end(),
                     [](const RouteStage& stage) { return stage.kind == ProgressKind::Join; });
}
}  // namespace

std::string_view avoidableBecause(std::string_view error_name) {
  for (const Avoidable& one : kAvoidable)
    if (one.error_name == error_name) return one.because;
  return {};
}

bool isAvoidable(const Attempt& attempt) {
  return attempt.outcome == "failed" && !avoidableBecause(attempt.error_name).empty();
}

std::string hintFor(const Attempt& attempt) {
  if (attempt.outcome == "stopped") return "route the request again to start it anew";
  if (attempt.error_name == kGateRefused)
    return "put right what it found, in the session that did the work or in the request, and route "
           "the request again; start_agent starts an agent without gates";
  if (attempt.outcome == "lost" || isAvoidable(attempt))
    return "see what failed in each session, put it right and route the request again, or name "
           "another agent with candidates";
  return "another agent would fail in the same way: look at the session, change the request, or "
         "resume the session with what it lacks";
}

std::string RouteProgress::whoOf(const Attempt& attempt) const {
  const RoutePart* part = partOf(plan, attempt);
  if (part == nullptr || part->title.empty()) return attempt.agent;
  return part->title + " (" + attempt.agent + ")";
}

std::string RouteProgress::problemOf(const Attempt& attempt) const {
  const std::string who = whoOf(attempt);
  if (attempt.outcome == "succeeded") return {};
  if (attempt.outcome == "stopped") return "the run of " + who + " was stopped";
  if (attempt.outcome == "lost") return "the session of " + who + " was deleted before its end";
  if (attempt.error_name == kGateRefused) return who + " does not let it pass: " + attempt.error;
  return who + " failed: " + attempt.error_name + ": " + attempt.error;
}

std::string RouteProgress::rollbackHint() const {
  std::vector<std::string> done;
  for (const Attempt& one : attempts)
    if (kindOf(plan, one) == ProgressKind::Step && one.outcome == "succeeded")
      done.push_back(whoOf(one) + " in session " + one.session_id);
  if (!plan.rollback || done.empty()) return {};
  return "; the workflow '" + plan.workflow +
         "' asks that its finished steps be undone, and nothing has been undone yet: resume " +
         joined(done) + " for it, the last one first";
}

bool RouteProgress::isOpen(std::int64_t stage) const {
  return std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& one) {
    return one.stage == stage && one.outcome == "open";
  });
}

bool RouteProgress::goesOn(std::int64_t stage) const {
  if (static_cast<std::size_t>(stage) + 1 >= plan.stages.size()) return false;
  const std::size_t failed = failedIn(attempts, stage).size();
  if (failed == 0) return true;
  return kindAt(plan, stage) == ProgressKind::Research && failed < latestOf(attempts, stage).size();
}

DecisionStatus RouteProgress::statusAfter(std::int64_t last_stage) const {
  std::size_t researched = 0;
  std::vector<const Attempt*> failed;
  for (std::int64_t stage = 0; stage <= last_stage; ++stage) {
    if (kindAt(plan, stage) == ProgressKind::Research)
      researched += latestOf(attempts, stage).size();
    const bool told = joins(plan) && stage < last_stage;
    for (const Attempt* one : failedIn(attempts, stage))
      if (!told) failed.push_back(one);
  }
  if (failed.empty()) return DecisionStatus::Succeeded;
  const bool decidable = std::any_of(failed.begin(), failed.end(), [&](const Attempt* one) {
    return one->outcome == "lost" || isAvoidable(*one) || kindOf(plan, *one) == ProgressKind::Gate;
  });
  const bool research = std::all_of(failed.begin(), failed.end(), [&](const Attempt* one) {
    return kindOf(plan, *one) == ProgressKind::Research;
  });
  const bool some_done = research && failed.size() < researched;
  return some_done || decidable ? DecisionStatus::NeedsDecision : DecisionStatus::Failed;
}

std::vector<std::string> RouteProgress::candidatesFor(const Attempt& place) const {
  if (kindOf(plan, place) == ProgressKind::Gate) return {};
  const RoutePart* part = partOf(plan, place);
  std::vector<std::string> all = part == nullptr ? std::vector<std::string>() : part->others;
  all.insert(all.end(), plan.others.begin(), plan.others.end());
  std::set<std::string> seen;
  if (part != nullptr) seen.insert(part->agent);
  for (const Attempt& one : attempts)
    if (samePart(one, place) || one.outcome == "failed") seen.insert(one.agent);
  std::vector<std::string> open;
  for (std::string& name : all)
    if (seen.insert(name).second) open.push_back(std::move(name));
  return open;
}

bool RouteProgress::mayTryAnother(std::int64_t attempts_max) const {
  std::set<std::pair<std::int64_t, std::int64_t>> begun;
  for (const Attempt& one : attempts) begun.insert({one.stage, one.part});
  const std::size_t further = attempts.size() - begun.size();
  const std::size_t parts = std::max<std::size_t>(partCount(plan), 1);
  return static_cast<std::int64_t>(further + parts) < attempts_max;
}

std::vector<PartResult> RouteProgress::handedOver(std::int64_t stages) const {
  std::vector<PartResult> all;
  for (std::int64_t stage = 0; stage < stages; ++stage)
    for (const auto& [place, latest] : latestOf(attempts, stage)) {
      const RoutePart* part = partOf(plan, *latest);
      PartResult one;
      one.title = part == nullptr ? "part" : part->title;
      one.agent = latest->agent;
      one.session_id = latest->session_id;
      one.problem = problemOf(*latest);
      for (const routing::AttemptResult& result : results)
        if (result.seq == latest->seq) one.text = result.text;
      all.push_back(std::move(one));
    }
  return all;
}

bool RouteProgress::saysWhoFits(const Attempt& attempt) const {
  if (attempt.outcome != "succeeded" || kindOf(plan, attempt) != ProgressKind::Work) return false;
  return std::all_of(attempts.begin(), attempts.end(), [&](const Attempt& one) {
    return one.seq >= attempt.seq || !samePart(one, attempt) || saysPoorFit(one);
  });
}

}  // namespace tutti::tools
