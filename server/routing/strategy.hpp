// Which strategy a request gets: the rules' strategies weighed on the analysis, the gates that are
// added to it, and a question to the asker where nothing fits well enough.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/routing/analysis.hpp"
#include "server/routing/rules.hpp"

namespace tutti::routing {

/// A blueprint that may be chosen, with the classifier's probability.
struct RankedAgent {
  std::string name;
  double score = 0;
};

/// What the router knows besides the text.
struct Choice {
  std::vector<RankedAgent> candidates;  ///< best first, only those that may be chosen
  bool in_scope = true;                 ///< false: the classifier says that nobody fits
  /// Blueprints that may not be chosen, and why ("is not installed", "is not among `candidates`").
  /// A strategy that needs one is passed over, and says so.
  std::map<std::string, std::string, std::less<>> passed_over;
  /// Do the same as the best candidate: whom to take is decided by load and past.
  std::vector<std::string> twins;
  std::string wanted;      ///< of those, who fits better than all candidates; "": nobody
  double score_least = 0;  ///< a best candidate below it is asked about where no rule decides
  bool likely = true;      ///< false: several fit, and none is likely enough to be chosen unasked
  bool scaled = true;      ///< false: scores only rank, and no rule gives way to one
};

/// A gate that was added, with its reason.
struct Gate {
  std::string name;
  std::string agent;
  std::string action;
  GateRule::At at = GateRule::At::End;
  double confidence = 0;
  std::string reason;
};

/// One cluster of a research swarm.
struct SwarmCluster {
  std::string domain;  ///< "" when the request has none
  std::vector<std::string> agents;
};

/// A strategy that was not chosen, and why not.
struct RunnerUp {
  std::string rule;
  StrategyType type = StrategyType::SingleAgent;
  double confidence = 0;
  std::string why_not;
};

inline constexpr std::size_t kRunnersUpMax = 8;
inline constexpr std::size_t kClustersMax = 6;

/// The rules' names that are no file's: the best candidate of the classifier, and a question.
inline constexpr std::string_view kBestCandidateRule = "best-candidate";
inline constexpr std::string_view kClarifyRule = "clarify";

struct Strategy {
  StrategyType type = StrategyType::Clarify;
  std::string rule;       ///< the StrategyRule's name, or one of the two above
  std::string reason;     ///< one or two sentences for people
  double confidence = 0;  ///< 0 to 1
  std::string agent;  ///< SingleAgent, SkillExecution: who; ResearchSwarm: who coordinates, or ""
  std::string skill;  ///< SkillExecution
  std::string workflow;                ///< MultiAgent
  std::vector<std::string> agents;     ///< all that take part, each once: of type, then of gates
  std::vector<WorkflowStep> steps;     ///< MultiAgent, in order, without the gates
  bool rollback = false;               ///< MultiAgent
  std::vector<SwarmCluster> clusters;  ///< ResearchSwarm, at most kClustersMax
  std::vector<Gate> gates;
  std::string question;              ///< Clarify: what is to be answered; names what is missing
  std::vector<std::string> options;  ///< Clarify: blueprints that may be meant, best first
  std::vector<RunnerUp> runners_up;  ///< best first, at most kRunnersUpMax
};

/// Of the strategies whose conditions hold and whose agents may be chosen, the one of the highest
/// priority, then of the highest weighted confidence, then the first by name. Without any: the best
/// candidate, if it is in scope; else a question. A rule gives way to an agent that has no part in
/// it, nor has a twin, and fits as well as its `yields_at` says. Deterministic. Thread-safe.
Strategy choose(const Analysis& analysis, const Choice& choice, const Rules& rules);

/// The confidence with which `condition` holds, 0 when it does not.
double evaluate(const Condition& condition, const Analysis& analysis);

/// Members named as above; those that a type does not use are left out.
Json toJson(const Strategy& strategy);

}  // namespace tutti::routing
