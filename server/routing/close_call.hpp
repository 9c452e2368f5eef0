// Decisions that could as well have gone otherwise, and what becomes of them when someone who has
// read the request has settled who it is for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/routing/analysis.hpp"
#include "server/routing/classifier.hpp"
#include "server/routing/strategy.hpp"

namespace tutti::routing {

/// The best candidate is no clear choice when the next one is nearer than this.
inline constexpr double kCloseMargin = 0.2;
/// A request whose scope score is no further below the threshold may still be for somebody.
inline constexpr double kScopeMargin = 0.5;
/// Candidates who are asked about, and the least score of the third and those after it.
inline constexpr std::size_t kJudgedMax = 5;
inline constexpr double kJudgedLeast = 0.05;

/// A candidate, as one who is to judge is told of it.
struct JudgedAgent {
  std::string name;
  double score = 0;
  std::string description;
  std::vector<std::string> examples;
};

struct CloseCall {
  std::string because;              ///< for people; "" when the decision is clear
  std::vector<JudgedAgent> agents;  ///< who may be meant, best first; none when it is clear
};

/// What a decision was made from.
struct Grounds {
  const Analysis& analysis;
  const Choice& choice;
  const Decision& ranking;  ///< of all, also of those that may not be chosen
};

using BlueprintsByName = std::map<std::string, const agents::Blueprint*, std::less<>>;

/// Clear is what a rule decides, a best candidate who is well ahead of the next that is not the
/// very same, and a request that is far from all candidates or for one who cannot be chosen.
CloseCall closeCall(const Strategy& strategy, const Grounds& grounds,
                    const BlueprintsByName& blueprints);

/// Who a request is for, by one who was asked.
struct Verdict {
  std::string by;     ///< the blueprint that was asked
  std::string agent;  ///< "" for nobody
  double confidence = 0;
  std::string reason;
};

/// Puts the verdict's agent first, or says that nobody fits. An agent that may not be chosen
/// changes nothing.
void applyVerdict(const Verdict& verdict, Choice& choice);

/// Makes a strategy that follows from a choice with a verdict say so. One that a rule decided in
/// any case is left as it is.
void tellVerdict(const Verdict& verdict, Strategy& strategy);

}  // namespace tutti::routing
