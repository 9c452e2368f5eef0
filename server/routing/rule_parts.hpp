// What a Rules holds. Inner to this folder.
#pragma once

#include <string>
#include <vector>

#include "server/routing/rules.hpp"
#include "server/routing/vocabulary.hpp"

namespace tutti::routing {

struct Rules::Parts {
  Vocabulary vocabulary;
  std::vector<StrategyRule> strategies;
  std::vector<GateRule> gates;
  std::vector<WorkflowRule> workflows;
  std::vector<SwarmRule> swarms;
  NobodyTopics nobody;
  TwinGroups twins;
  std::string fingerprint;
};

}  // namespace tutti::routing
