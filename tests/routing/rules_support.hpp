// The shipped rules with the blueprints that they name, for tests of routing.
#pragma once

#include <string>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/routing/rules.hpp"
#include "server/routing/strategy.hpp"

namespace tutti::routing::testing {

inline agents::BlueprintCatalog catalogOf(const std::vector<std::string>& packs) {
  agents::BlueprintCatalog::Options options;
  options.packs = packs;
  return agents::BlueprintCatalog(options);
}

/// Loaded once for each set of packs; a problem in a shipped file fails the test that asks.
inline const Rules& shippedRules(const std::vector<std::string>& packs) {
  static std::map<std::vector<std::string>, Rules> known;
  const auto found = known.find(packs);
  if (found != known.end()) return found->second;
  agents::BlueprintCatalog catalog = catalogOf(packs);
  LoadedRules loaded = loadRules(shippedRuleFiles(packs), agentNames(catalog));
  for (const RuleProblem& problem : loaded.problems) ADD_FAILURE() << problem.text();
  return known.emplace(packs, std::move(loaded.rules)).first->second;
}

/// What a request gets from the rules alone: no candidate is in scope.
inline Strategy routed(const std::string& request, const std::vector<std::string>& packs) {
  const Rules& rules = shippedRules(packs);
  Choice choice;
  choice.in_scope = false;
  return choose(analyze(request, rules), choice, rules);
}

/// In one line, as in "multi_agent security-review +security-review".
inline std::string brief(const Strategy& strategy) {
  std::string text(name(strategy.type));
  const bool is_swarm = strategy.type == StrategyType::ResearchSwarm;
  for (const std::string& part :
       {strategy.workflow, strategy.skill, is_swarm ? std::string() : strategy.agent})
    if (!part.empty()) text += " " + part;
  for (const SwarmCluster& cluster : strategy.clusters) text += " [" + cluster.domain + "]";
  for (const Gate& gate : strategy.gates) text += " +" + gate.name;
  return text;
}

}  // namespace tutti::routing::testing
