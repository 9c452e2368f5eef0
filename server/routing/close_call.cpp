#include "server/routing/close_call.hpp"

#include <algorithm>

#include "server/routing/names.hpp"

namespace tutti::routing {
namespace {
std::string withPercent(const JudgedAgent& agent) {
  return agent.name + " (" + std::to_string(static_cast<int>(agent.score * 100 + 0.5)) + " %)";
}

/// Those that say the same of themselves are one to anyone who reads it, as are twins: the better
/// one stands for all.
std::vector<JudgedAgent> distinctAgents(const Choice& choice, const BlueprintsByName& blueprints) {
  std::vector<RankedAgent> ranked = choice.candidates;
  std::stable_sort(ranked.begin(), ranked.end(), [](const RankedAgent& a, const RankedAgent& b) {
    return a.score > b.score;  // load and record may have put another one first
  });
  std::vector<JudgedAgent> agents;
  for (const RankedAgent& one : ranked) {
    const auto found = blueprints.find(one.name);
    if (found == blueprints.end() || contains(choice.twins, one.name)) continue;
    if (agents.size() >= kJudgedMax || (agents.size() >= 2 && one.score < kJudgedLeast)) break;
    const agents::Blueprint& blueprint = *found->second;
    const bool told = std::any_of(agents.begin(), agents.end(), [&](const JudgedAgent& other) {
      return other.description == blueprint.description && other.examples == blueprint.examples;
    });
    if (!told) agents.push_back({one.name, one.score, blueprint.description, blueprint.examples});
  }
  return agents;
}

std::string whyBestIsClose(const std::vector<JudgedAgent>& agents) {
  if (agents.size() < 2 || agents[0].score - agents[1].score >= kCloseMargin) return {};
  return withPercent(agents[0]) + " is not clearly ahead of " + withPercent(agents[1]);
}

std::string whyNobodyIsClose(const std::vector<JudgedAgent>& agents, const Grounds& grounds) {
  const Decision& ranking = grounds.ranking;
  // Where there is one label only, the score is of another kind: the share of known words.
  if (agents.empty() || ranking.candidates.size() < 2) return {};
  if (ranking.candidates.front().label != agents.front().name) return {};
  if (!ranking.in_scope)
    return ranking.threshold - ranking.scope_score > kScopeMargin
               ? std::string()
               : withPercent(agents[0]) + " is nearest, just below what counts as fitting";
  if (agents.size() < 2) return {};
  return "several may be meant and none is likely enough, first " + withPercent(agents[0]) +
         " and " + withPercent(agents[1]);
}
}  // namespace

CloseCall closeCall(const Strategy& strategy, const Grounds& grounds,
                    const BlueprintsByName& blueprints) {
  const bool asks = strategy.rule == kClarifyRule;
  if (!asks && strategy.rule != kBestCandidateRule) return {};
  if (grounds.analysis.words == 0) return {};
  CloseCall call;
  call.agents = distinctAgents(grounds.choice, blueprints);
  call.because = asks ? whyNobodyIsClose(call.agents, grounds) : whyBestIsClose(call.agents);
  return call.because.empty() ? CloseCall() : call;
}

void applyVerdict(const Verdict& verdict, Choice& choice) {
  if (verdict.agent.empty()) {
    choice.in_scope = false;
    return;
  }
  const auto chosen =
      std::find_if(choice.candidates.begin(), choice.candidates.end(),
                   [&](const RankedAgent& one) { return one.name == verdict.agent; });
  if (chosen == choice.candidates.end()) return;
  std::rotate(choice.candidates.begin(), chosen, chosen + 1);
  choice.in_scope = true;
  choice.likely = true;
  choice.score_least = 0;
  choice.wanted.clear();
}

void tellVerdict(const Verdict& verdict, Strategy& strategy) {
  const bool chosen = strategy.rule == kBestCandidateRule && strategy.agent == verdict.agent;
  const bool nobody = strategy.rule == kClarifyRule && verdict.agent.empty();
  if (!chosen && !nobody) return;
  strategy.reason = verdict.by + (chosen ? " chose " + verdict.agent : " found nobody who fits") +
                    (verdict.reason.empty() ? "" : ": " + verdict.reason);
  if (chosen) strategy.confidence = verdict.confidence;
}

}  // namespace tutti::routing
