// How the shipped agents fare on requests that no example has: the whole path, rules and
// classifier. These are written before most of the examples and apart from them. An example that is
// made because of one of them spoils the measure.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/routing/decider.hpp"
#include "tests/routing/rules_support.hpp"

namespace tutti::routing::testing {

/// Over the agents that are always there and those of `packs`.
inline Decider shippedDecider(const std::vector<std::string>& packs) {
  agents::BlueprintCatalog catalog = catalogOf(packs);
  const Rules& rules = shippedRules(packs);
  const auto blueprints = std::make_shared<const std::vector<agents::Blueprint>>(catalog.list());
  const std::vector<AgentTexts> texts = textsOf(*blueprints);
  Decider decider({});
  decider.setModel(std::make_shared<const AgentModel>(
      AgentModel::train(texts, {}, {}, nobodyTextsFor(texts, rules.nobody()))));
  decider.setAgents(blueprints, agentNames(catalog), rules);
  return decider;
}

struct HeldOutPack {
  const char* name;
  std::map<std::string, std::vector<const char*>> requests;  ///< by the agent that they are for
  std::vector<const char*> for_nobody;
};

/// Who does the work itself: an agent of a gate only looks at it afterwards.
inline std::vector<std::string> workersOf(const RouteDecision& decision) {
  std::vector<std::string> workers = {decision.agent};
  for (const WorkflowStep& step : decision.strategy.steps) workers.push_back(step.agent);
  for (const SwarmCluster& cluster : decision.strategy.clusters)
    workers.insert(workers.end(), cluster.agents.begin(), cluster.agents.end());
  return workers;
}

class HeldOutTest : public ::testing::Test {
 protected:
  /// How many of `pack`'s requests, in percent, go to their agent or to a strategy in which it
  /// works.
  int rightPercent(const HeldOutPack& pack) {
    Decider decider = shippedDecider({pack.name});
    std::size_t right = 0, all = 0;
    for (const auto& [agent, requests] : pack.requests)
      for (const char* request : requests) {
        const RouteDecision decision = decided(decider, request);
        const std::vector<std::string> workers = workersOf(decision);
        ++all;
        if (std::find(workers.begin(), workers.end(), agent) != workers.end())
          ++right;
        else
          ++confused_[agent + " -> " + decision.agent];
      }
    return percent(right, all);
  }

  int refusedPercent(const HeldOutPack& pack) {
    Decider decider = shippedDecider({pack.name});
    std::size_t refused = 0;
    for (const char* request : pack.for_nobody) {
      const std::string agent = decided(decider, request).agent;
      if (agent.empty())
        ++refused;
      else
        ++confused_["nobody -> " + agent];
    }
    return percent(refused, pack.for_nobody.size());
  }

  /// Which agents were taken for which, without the requests: nobody is to tune examples to these.
  std::string confusions() const {
    std::string text;
    for (const auto& [pair, count] : confused_) text += std::to_string(count) + " " + pair + "\n";
    return text;
  }

 private:
  static RouteDecision decided(Decider& decider, const char* text) {
    RouteRequest request;
    request.request = text;
    const auto answer = decider.decide(request);
    if (answer.ok()) return *answer->decision;
    ADD_FAILURE() << answer.error().text();
    return {};
  }

  static int percent(std::size_t part, std::size_t all) {
    const int share = static_cast<int>(part * 100 / all);
    RecordProperty("percent", share);
    return share;
  }

  std::map<std::string, int> confused_;
};

}  // namespace tutti::routing::testing
