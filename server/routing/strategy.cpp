#include "server/routing/strategy.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "server/base/text.hpp"
#include "server/routing/exact_math.hpp"
#include "server/routing/names.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kOptionsMax = 3;

std::string decimals(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

double confidenceIn(const std::vector<Finding<std::string>>& findings, const Condition& leaf) {
  for (const Finding<std::string>& finding : findings)
    if (finding.value == leaf.value) return finding.confidence;
  return 0;
}

double referenceConfidence(const Analysis& analysis, std::string_view kind) {
  double best = 0;
  for (const Finding<Reference>& finding : analysis.references)
    if (name(finding.value.kind) == kind) best = std::max(best, finding.confidence);
  return best;
}

/// The level's place in its order: levels are few and their names are checked.
template <class Level>
int levelOf(std::string_view text, Level highest) {
  for (int i = 0; i < static_cast<int>(highest); ++i)
    if (name(static_cast<Level>(i)) == text) return i;
  return static_cast<int>(highest);
}

double leafConfidence(const Condition& leaf, const Analysis& analysis) {
  switch (leaf.kind) {
    case Condition::Kind::Signal:
      return confidenceIn(analysis.signals, leaf);
    case Condition::Kind::Domain:
      return confidenceIn(analysis.domains, leaf);
    case Condition::Kind::Language:
      return confidenceIn(analysis.programming_languages, leaf);
    case Condition::Kind::Intent:
      return analysis.intent.value == leaf.value ? analysis.intent.confidence : 0;
    case Condition::Kind::Complexity: {
      const int least = levelOf(leaf.value, Complexity::Investigation);
      const bool high = static_cast<int>(analysis.complexity.value) >= least;
      return high ? analysis.complexity.confidence : 0;
    }
    case Condition::Kind::Urgency: {
      const int least = levelOf(leaf.value, Urgency::Critical);
      return static_cast<int>(analysis.urgency.value) >= least ? analysis.urgency.confidence : 0;
    }
    case Condition::Kind::Reference:
      return referenceConfidence(analysis, leaf.value);
    default:
      return 0;
  }
}

/// What of the analysis a condition rests on, as in "hardware 0.91", where it holds.
void collectReasons(const Condition& condition, const Analysis& analysis,
                    std::vector<std::string>& reasons) {
  for (const Condition& part : condition.parts)
    if (condition.kind != Condition::Kind::Not && evaluate(part, analysis) > 0)
      collectReasons(part, analysis, reasons);
  if (condition.value.empty()) return;
  std::string reason = condition.value + " " + decimals(leafConfidence(condition, analysis));
  if (condition.kind == Condition::Kind::Complexity)
    reason = "complexity " + std::string(name(analysis.complexity.value)) + " " +
             decimals(analysis.complexity.confidence);
  if (condition.kind == Condition::Kind::Reference) reason = "names a " + condition.value;
  if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
    reasons.push_back(std::move(reason));
}

std::string because(const Condition& condition, const Analysis& analysis) {
  std::vector<std::string> reasons;
  collectReasons(condition, analysis, reasons);
  return reasons.empty() ? std::string() : " (" + joined(reasons) + ")";
}

/// A rule whose condition holds.
struct Contender {
  const StrategyRule* rule = nullptr;
  double confidence = 0;
  std::string refused;  ///< why it cannot be done or gives way, or ""
};

class Chooser {
 public:
  Chooser(const Analysis& analysis, const Choice& choice, const Rules& rules)
      : analysis_(analysis), choice_(choice), rules_(rules) {}

  Strategy run() {
    const std::vector<Contender> contenders = ranked();
    const bool fits = bestFits();
    const auto chosen =
        std::find_if(contenders.begin(), contenders.end(), [&](const Contender& one) {
          return one.refused.empty() && (one.rule->priority >= 0 || !fits);
        });
    Strategy strategy = chosen != contenders.end() ? byRule(*chosen) : withoutRule();
    addGates(strategy);
    for (const Contender& contender : contenders)
      if (chosen == contenders.end() || &contender != &*chosen)
        addRunnerUp(strategy, contender, chosen == contenders.end() ? nullptr : &*chosen);
    if (chosen != contenders.end()) addBestCandidate(strategy);
    return strategy;
  }

 private:
  // --- the rules that apply ---

  std::vector<Contender> ranked() const {
    std::vector<Contender> contenders;
    for (const StrategyRule& rule : rules_.strategies()) {
      const double holds = evaluate(rule.when, analysis_);
      if (holds <= 0) continue;
      Contender contender{&rule, holds * rule.weight, refusal(rule)};
      if (contender.refused.empty() && yields(rule)) contender.refused = whyItYields();
      if (needsBest(rule.then) && !choice_.candidates.empty())
        contender.confidence *= choice_.candidates.front().score;
      contenders.push_back(std::move(contender));
    }
    std::stable_sort(contenders.begin(), contenders.end(),
                     [](const Contender& a, const Contender& b) {
                       return std::tuple(-a.rule->priority, -a.confidence, a.rule->name) <
                              std::tuple(-b.rule->priority, -b.confidence, b.rule->name);
                     });
    return contenders;
  }

  static bool needsBest(const StrategyAction& action) {
    return action.type == StrategyType::SingleAgent && action.agent.empty();
  }

  std::string refusal(const StrategyRule& rule) const {
    const StrategyAction& action = rule.then;
    if (needsBest(action)) return bestFits() ? std::string() : "no candidate fits well enough";
    std::vector<std::string> needed = action.agents;
    // A swarm does without its coordinator.
    if (!action.agent.empty() && action.type != StrategyType::ResearchSwarm)
      needed.push_back(action.agent);
    if (const WorkflowRule* workflow = rules_.workflow(action.workflow))
      for (const WorkflowStep& step : workflow->steps) needed.push_back(step.agent);
    for (const std::string& agent : needed)
      if (const std::string* why = passedOver(agent)) return agent + " " + *why;
    if (action.type != StrategyType::ResearchSwarm) return {};
    return clusters(*rules_.swarm(action.swarm)).empty() ? "none of its researchers may be chosen"
                                                         : std::string();
  }

  // --- rules that give way ---

  bool yields(const StrategyRule& rule) const {
    if (rule.yields_at <= 0 || !choice_.scaled || !bestFits()) return false;
    const RankedAgent& best = choice_.candidates.front();
    const auto takes = [&](const std::string& agent) { return takesPart(rule.then, agent); };
    return best.score >= rule.yields_at && !takes(best.name) &&
           std::none_of(choice_.twins.begin(), choice_.twins.end(), takes);
  }

  bool takesPart(const StrategyAction& action, const std::string& agent) const {
    if (needsBest(action) || action.agent == agent || contains(action.agents, agent)) return true;
    if (const WorkflowRule* workflow = rules_.workflow(action.workflow))
      for (const WorkflowStep& step : workflow->steps)
        if (step.agent == agent) return true;
    if (action.type != StrategyType::ResearchSwarm) return false;
    const std::vector<SwarmCluster> all = clusters(*rules_.swarm(action.swarm));
    return std::any_of(all.begin(), all.end(), [&](const SwarmCluster& cluster) {
      return contains(cluster.agents, agent);
    });
  }

  std::string whyItYields() const {
    const RankedAgent& best = choice_.candidates.front();
    return "it gives way to " + best.name + ", which has no part in it and fits with " +
           decimals(best.score);
  }

  const std::string* passedOver(const std::string& agent) const {
    const auto at = choice_.passed_over.find(agent);
    return at == choice_.passed_over.end() ? nullptr : &at->second;
  }

  // --- the strategy ---

  Strategy byRule(const Contender& chosen) const {
    const StrategyAction& action = chosen.rule->then;
    Strategy strategy;
    strategy.type = action.type;
    strategy.rule = chosen.rule->name;
    strategy.confidence = chosen.confidence;
    strategy.reason = chosen.rule->description + because(chosen.rule->when, analysis_);
    strategy.skill = action.skill;
    switch (action.type) {
      case StrategyType::SingleAgent:
      case StrategyType::SkillExecution:
        strategy.agent = needsBest(action) ? choice_.candidates.front().name : action.agent;
        strategy.agents = {strategy.agent};
        break;
      case StrategyType::MultiAgent:
        addWorkflow(action, strategy);
        break;
      case StrategyType::ResearchSwarm:
        strategy.clusters = clusters(*rules_.swarm(action.swarm));
        for (const SwarmCluster& cluster : strategy.clusters)
          for (const std::string& agent : cluster.agents) addOnce(strategy.agents, agent);
        if (passedOver(action.agent) == nullptr) strategy.agent = action.agent;
        if (!strategy.agent.empty()) addOnce(strategy.agents, action.agent);
        break;
      case StrategyType::Clarify:
        strategy.question = action.question.empty() ? question() : action.question;
        strategy.options = options();
        break;
    }
    return strategy;
  }

  void addWorkflow(const StrategyAction& action, Strategy& strategy) const {
    strategy.workflow = action.workflow;
    strategy.agents = action.agents;
    if (const WorkflowRule* workflow = rules_.workflow(action.workflow)) {
      strategy.steps = workflow->steps;
      strategy.rollback = workflow->rollback;
      // Who has a step takes part, whether the strategy lists it or not.
      for (const WorkflowStep& step : workflow->steps)
        if (!step.agent.empty()) addOnce(strategy.agents, step.agent);
    }
    if (!strategy.steps.empty()) return;
    for (const std::string& agent : action.agents) strategy.steps.push_back({agent, ""});
  }

  /// One cluster for each domain that the request touches and the swarm knows, without agents that
  /// may not be chosen.
  std::vector<SwarmCluster> clusters(const SwarmRule& swarm) const {
    std::vector<SwarmCluster> found;
    const auto add = [&](const std::string& domain, const std::vector<std::string>& agents) {
      SwarmCluster cluster{domain, {}};
      for (const std::string& agent : agents)
        if (passedOver(agent) == nullptr) cluster.agents.push_back(agent);
      if (!cluster.agents.empty() && found.size() < kClustersMax)
        found.push_back(std::move(cluster));
    };
    for (const Finding<std::string>& domain : analysis_.domains) {
      const auto researchers = swarm.researchers.find(domain.value);
      if (domain.confidence >= kSignalLeast && researchers != swarm.researchers.end())
        add(domain.value, researchers->second);
    }
    if (found.empty())
      add(analysis_.domains.empty() ? std::string() : analysis_.domains.front().value,
          swarm.otherwise);
    return found;
  }

  // --- without a rule ---

  bool bestFits() const {
    if (choice_.candidates.empty() || analysis_.words == 0) return false;
    if (!choice_.in_scope || !choice_.likely) return false;
    return choice_.candidates.front().score >= choice_.score_least;
  }

  Strategy withoutRule() const {
    Strategy strategy;
    if (!bestFits()) {
      strategy.rule = kClarifyRule;
      strategy.reason = whyNobody();
      strategy.question = question();
      strategy.options = options();
      return strategy;
    }
    const RankedAgent& best = choice_.candidates.front();
    strategy.type = StrategyType::SingleAgent;
    strategy.rule = kBestCandidateRule;
    strategy.agent = best.name;
    strategy.agents = {best.name};
    strategy.confidence = best.score;
    strategy.reason = best.name + " fits best by what it has done and says it does (" +
                      decimals(best.score) + ")";
    if (!choice_.twins.empty())
      strategy.reason += "; " + joined(choice_.twins) + " would do as well";
    return strategy;
  }

  std::string whyNobody() const {
    if (!choice_.wanted.empty())
      return "Who fits cannot be chosen, and nobody else fits well enough";
    return choice_.likely ? "No rule applies and no agent fits well enough"
                          : "No rule applies and several agents fit about as well";
  }

  /// Agents that the asker may have meant: only where the request is one that agents are for.
  std::vector<std::string> options() const {
    std::vector<std::string> names;
    if (!choice_.in_scope || analysis_.words == 0) return names;
    for (const RankedAgent& candidate : choice_.candidates)
      if (names.size() < kOptionsMax) names.push_back(candidate.name);
    return names;
  }

  std::string question() const {
    if (analysis_.words == 0) return "The request has no words: what is to be done, and to what?";
    if (const std::string* why = passedOver(choice_.wanted))
      return choice_.wanted + " fits, but " + *why +
             ". Can that be put right, or which other agent do you want?";
    const std::vector<std::string> meant = options();
    if (meant.size() > 1 && !choice_.likely)
      return "Several agents are about as likely: is this for " + either(meant) + "?";
    if (analysis_.intent.value.empty() && !analysis_.references.empty())
      return "What is to be done with " + analysis_.references.front().value.text + "?";
    if (analysis_.intent.value.empty() && !analysis_.domains.empty())
      return "What is to be done about " + analysis_.domains.front().value + "?";
    if (!analysis_.intent.value.empty() && analysis_.domains.empty())
      return "No agent here is for this: to what does '" + analysis_.intent.value +
             "' apply (which system, file, host or subject)?";
    return "No agent here is for this: which result do you need, or which agent do you want?";
  }

  static std::string either(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
      text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
    return text;
  }

  // --- gates and runners-up ---

  void addGates(Strategy& strategy) const {
    if (strategy.type == StrategyType::Clarify) return;
    for (const GateRule& rule : rules_.gates()) {
      const double holds = evaluate(rule.when, analysis_);
      const bool looks = (rule.only.empty() || contains(rule.only, strategy.rule)) &&
                         !contains(rule.except, strategy.rule);
      if (holds <= 0 || !looks) continue;
      // Who does the work alone cannot be the one who looks at it again.
      if (strategy.agents.size() == 1 && strategy.agents.front() == rule.agent) continue;
      std::string reason = rule.description + because(rule.when, analysis_);
      if (const std::string* why = passedOver(rule.agent))
        reason += "; but " + rule.agent + " " + *why;
      else
        addOnce(strategy.agents, rule.agent);
      strategy.gates.push_back(
          {rule.name, rule.agent, rule.action, rule.at, holds, std::move(reason)});
    }
  }

  static void addRunnerUp(Strategy& strategy, const Contender& contender, const Contender* chosen) {
    if (strategy.runners_up.size() >= kRunnersUpMax) return;
    std::string why_not = contender.refused;
    if (why_not.empty() && chosen == nullptr)
      why_not = "its priority is below 0 and " + strategy.agent + " fits well enough";
    if (why_not.empty()) {
      const bool lower = contender.rule->priority < chosen->rule->priority;
      const bool same = contender.confidence == chosen->confidence;
      why_not = lower ? "its priority " + std::to_string(contender.rule->priority) + " is below " +
                            std::to_string(chosen->rule->priority) + " of " + chosen->rule->name
                : same ? "equal to " + chosen->rule->name + ", which is first by name"
                       : "its confidence " + decimals(contender.confidence) + " is below " +
                             decimals(chosen->confidence) + " of " + chosen->rule->name;
    }
    strategy.runners_up.push_back({contender.rule->name, contender.rule->then.type,
                                   contender.confidence, std::move(why_not)});
  }

  void addBestCandidate(Strategy& strategy) const {
    if (!bestFits() || strategy.runners_up.size() >= kRunnersUpMax) return;
    const RankedAgent& best = choice_.candidates.front();
    if (strategy.agent == best.name) return;
    strategy.runners_up.push_back({std::string(kBestCandidateRule), StrategyType::SingleAgent,
                                   best.score, best.name + " alone: a rule goes first"});
  }

  const Analysis& analysis_;
  const Choice& choice_;
  const Rules& rules_;
};

Json gateJson(const Gate& gate) {
  return {{"name", gate.name},
          {"agent", gate.agent},
          {"action", gate.action},
          {"at", gate.at == GateRule::At::Start ? "start" : "end"},
          {"confidence", rounded(gate.confidence)},
          {"reason", gate.reason}};
}

Json runnerUpJson(const RunnerUp& runner_up) {
  return {{"rule", runner_up.rule},
          {"type", std::string(name(runner_up.type))},
          {"confidence", rounded(runner_up.confidence)},
          {"why_not", runner_up.why_not}};
}

template <class T>
Json listJson(const std::vector<T>& items, Json (*one)(const T&)) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(one(item));
  return list;
}
}  // namespace

double evaluate(const Condition& condition, const Analysis& analysis) {
  double least = 1, greatest = 0;
  for (const Condition& part : condition.parts) {
    const double holds = evaluate(part, analysis);
    least = std::min(least, holds);
    greatest = std::max(greatest, holds);
  }
  switch (condition.kind) {
    case Condition::Kind::Always:
      return 1;
    case Condition::Kind::All:
      return least;
    case Condition::Kind::Any:
      return greatest;
    case Condition::Kind::Not:
      return greatest > 0 ? 0 : 1;
    default:
      break;
  }
  const double holds = leafConfidence(condition, analysis);
  return holds >= condition.least ? holds : 0;
}

Strategy choose(const Analysis& analysis, const Choice& choice, const Rules& rules) {
  return Chooser(analysis, choice, rules).run();
}

Json toJson(const Strategy& strategy) {
  Json json = {{"type", std::string(name(strategy.type))},
               {"rule", strategy.rule},
               {"reason", strategy.reason},
               {"confidence", rounded(strategy.confidence)},
               {"agents", strategy.agents},
               {"gates", listJson(strategy.gates, gateJson)},
               {"runners_up", listJson(strategy.runners_up, runnerUpJson)}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("agent", strategy.agent);
  add("skill", strategy.skill);
  add("workflow", strategy.workflow);
  add("question", strategy.question);
  if (!strategy.options.empty()) json["options"] = strategy.options;
  if (strategy.type == StrategyType::MultiAgent) {
    json["rollback"] = strategy.rollback;
    for (const WorkflowStep& step : strategy.steps)
      json["steps"].push_back({{"agent", step.agent}, {"action", step.action}});
  }
  for (const SwarmCluster& cluster : strategy.clusters)
    json["clusters"].push_back({{"domain", cluster.domain}, {"agents", cluster.agents}});
  return json;
}

}  // namespace tutti::routing
