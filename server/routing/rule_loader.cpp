// From the drafts of all files to rules: later files over earlier ones, then every name looked up.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "server/base/digest.hpp"
#include "server/base/text.hpp"
#include "server/routing/names.hpp"
#include "server/routing/rule_file.hpp"
#include "server/routing/rule_parts.hpp"
#include "server/routing/strategy.hpp"

namespace tutti::routing {
namespace {
template <class Rule>
using ByName = std::map<std::string, Draft<Rule>, std::less<>>;

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4U];
    text += kDigits[value & 15U];
  }
  return text;
}

template <class Rule>
std::vector<std::string> namesOf(const ByName<Rule>& rules) {
  std::vector<std::string> names;
  for (const auto& [name, draft] : rules) names.push_back(name);
  return names;
}

std::size_t examplesOf(const NobodyTopics& topics) {
  std::size_t count = 0;
  for (const auto& [name, topic] : topics) count += topic.examples.size();
  return count;
}
}  // namespace

class RuleLoader {
 public:
  RuleLoader(const AgentNames& agents, const RuleLimits& limits)
      : agents_(agents), limits_(limits) {}

  LoadedRules load(const std::vector<RuleFile>& files) {
    std::string all;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (i >= limits_.files_max) {
        problems_.push_back({files[i].source, 1, "",
                             "is past the limit of " + std::to_string(limits_.files_max) +
                                 " rule files (files_max)",
                             "join files"});
        break;
      }
      merge(readRuleFile(files[i], limits_), files[i].source);
      all.append(files[i].source).append(1, '\0').append(files[i].content).append(1, '\0');
    }
    for (const auto& [alias, name] : agents_)
      all.append(alias).append(1, '=').append(name).append(1, '\0');
    parts_->fingerprint = hexadecimal(sha256(all)).substr(0, 16);
    finish();
    LoadedRules loaded;
    loaded.rules.parts_ = std::move(parts_);
    loaded.problems = std::move(problems_);
    return loaded;
  }

 private:
  // --- later files over earlier ones ---

  void merge(FileDraft draft, const std::string& source) {
    if (const std::string over = limitPassed(draft); !over.empty())
      draft.problems.push_back({source, 1, "", over, "join or remove rules"});
    if (!draft.problems.empty()) {
      problems_.insert(problems_.end(), draft.problems.begin(), draft.problems.end());
      return;
    }
    for (const EntryDraft& entry : draft.entries) mergeEntry(entry);
    for (const std::string& host : draft.hosts) parts_->vocabulary.hosts.insert(lowered(host));
    for (const std::string& extension : draft.file_extensions)
      parts_->vocabulary.file_extensions.insert(lowered(extension));
    for (const auto& strategy : draft.strategies) declared_.insert(strategy.rule.name);
    mergeByName(strategies_, draft.strategies);
    mergeByName(gates_, draft.gates);
    mergeByName(workflows_, draft.workflows);
    mergeByName(swarms_, draft.swarms);
    twins_.insert(twins_.end(), draft.twins.begin(), draft.twins.end());
    for (auto& [name, topic] : draft.nobody) parts_->nobody[name] = std::move(topic);
  }

  std::string limitPassed(const FileDraft& draft) const {
    std::size_t terms = parts_->vocabulary.terms.size();
    std::size_t patterns = parts_->vocabulary.patterns.size();
    for (const EntryDraft& entry : draft.entries)
      for (const TermDraft& term : entry.terms) ++(term.is_pattern ? patterns : terms);
    terms += draft.hosts.size() + draft.file_extensions.size();
    terms += parts_->vocabulary.hosts.size() + parts_->vocabulary.file_extensions.size();
    const std::size_t rules = std::max(
        {strategies_.size() + draft.strategies.size(), gates_.size() + draft.gates.size(),
         workflows_.size() + draft.workflows.size(), swarms_.size() + draft.swarms.size()});
    const auto more = [](std::size_t limit, const char* what) {
      return "makes more than " + std::to_string(limit) + " " + what;
    };
    if (terms > limits_.terms_max) return more(limits_.terms_max, "terms (terms_max)");
    if (patterns > limits_.patterns_max)
      return more(limits_.patterns_max, "patterns (patterns_max)");
    if (rules > limits_.strategies_max)
      return more(limits_.strategies_max, "rules (strategies_max)");
    if (examplesOf(parts_->nobody) + examplesOf(draft.nobody) > limits_.nobody_max)
      return more(limits_.nobody_max, "examples of what nobody is for (nobody_max)");
    return {};
  }

  static std::string lowered(std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  }

  /// Terms were tried when their file was read, so they cannot fail here.
  void mergeEntry(const EntryDraft& draft) {
    Vocabulary& vocabulary = parts_->vocabulary;
    const std::uint32_t entry = vocabulary.entry(draft.section, draft.name);
    if (draft.replace) vocabulary.clear(entry);
    for (const TermDraft& term : draft.terms) {
      if (term.is_pattern)
        static_cast<void>(vocabulary.addPattern(entry, term.text, term.weight));
      else
        static_cast<void>(vocabulary.addTerm(entry, term.text, term.weight));
    }
  }

  template <class Rule>
  static void mergeByName(ByName<Rule>& known, std::vector<Draft<Rule>>& drafts) {
    for (Draft<Rule>& draft : drafts) {
      known.erase(draft.rule.name);
      if (!draft.enabled) continue;
      std::string name = draft.rule.name;
      known.emplace(std::move(name), std::move(draft));
    }
  }

  // --- every name looked up ---

  void finish() {
    dropUnknown(workflows_);
    dropUnknown(swarms_);
    dropUnknown(strategies_);
    dropUnknown(gates_);
    for (auto& [name, draft] : workflows_) addWorkflow(draft.rule);
    for (auto& [name, draft] : swarms_) addSwarm(draft.rule);
    for (auto& [name, draft] : strategies_) addStrategy(draft.rule);
    for (auto& [name, draft] : gates_) addGate(draft.rule);
    for (const TwinsDraft& twins : twins_)
      if (allKnown(twins.uses, twins.source))
        for (const std::string& agent : resolved(twins.agents))
          addOnce(parts_->twins[twins.group], agent);
    std::stable_sort(
        parts_->strategies.begin(), parts_->strategies.end(),
        [](const StrategyRule& a, const StrategyRule& b) { return a.priority > b.priority; });
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const RuleProblem& a, const RuleProblem& b) {
                       return std::tie(a.source, a.line) < std::tie(b.source, b.line);
                     });
  }

  template <class Rule>
  void dropUnknown(ByName<Rule>& rules) {
    for (auto at = rules.begin(); at != rules.end();)
      at = allKnown(at->second.uses, at->second.rule.source) ? std::next(at) : rules.erase(at);
  }

  bool allKnown(const std::vector<NameUse>& uses, const std::string& source) {
    bool known = true;
    for (const NameUse& use : uses) {
      if (isKnown(use)) continue;
      known = false;
      const std::vector<std::string> near = nearestNames(use.name, knownNames(use.kind));
      problems_.push_back(
          {source, use.line, use.field,
           "unknown " + std::string(word(use.kind)) + " '" + shortened(use.name, 60) + "'",
           near.empty() ? std::string() : "did you mean " + joined(near) + "?"});
    }
    return known;
  }

  static std::string_view word(NameKind kind) {
    constexpr std::string_view kWords[] = {"agent",  "workflow", "swarm",    "signal",
                                           "domain", "intent",   "language", "strategy"};
    return kWords[static_cast<std::size_t>(kind)];
  }
  static Section sectionOf(NameKind kind) {
    switch (kind) {
      case NameKind::Domain:
        return Section::Domains;
      case NameKind::Intent:
        return Section::Intents;
      case NameKind::Language:
        return Section::Languages;
      default:
        return Section::Signals;
    }
  }
  bool isKnown(const NameUse& use) const {
    switch (use.kind) {
      case NameKind::Agent:
        return agents_.contains(use.name);
      case NameKind::Workflow:
        return workflows_.contains(use.name);
      case NameKind::Swarm:
        return swarms_.contains(use.name);
      case NameKind::Strategy:
        return declared_.contains(use.name) || use.name == kBestCandidateRule;
      default:
        break;
    }
    const std::vector<VocabularyEntry>& entries = parts_->vocabulary.entries;
    return std::any_of(entries.begin(), entries.end(), [&](const VocabularyEntry& entry) {
      return entry.section == sectionOf(use.kind) && entry.name == use.name;
    });
  }
  std::vector<std::string> knownNames(NameKind kind) const {
    if (kind == NameKind::Workflow) return namesOf(workflows_);
    if (kind == NameKind::Swarm) return namesOf(swarms_);
    if (kind == NameKind::Strategy) return namesOf(strategies_);
    std::vector<std::string> names;
    if (kind == NameKind::Agent)
      for (const auto& [alias, name] : agents_) names.push_back(alias);
    else
      for (const VocabularyEntry& entry : parts_->vocabulary.entries)
        if (entry.section == sectionOf(kind)) names.push_back(entry.name);
    return names;
  }

  // --- aliases become names ---

  void resolve(std::string& agent) const {
    if (!agent.empty()) agent = agents_.find(agent)->second;
  }
  std::vector<std::string> resolved(const std::vector<std::string>& agents) const {
    std::vector<std::string> names;
    for (std::string agent : agents) {
      resolve(agent);
      addOnce(names, agent);
    }
    return names;
  }
  void addWorkflow(WorkflowRule& rule) {
    for (WorkflowStep& step : rule.steps) resolve(step.agent);
    parts_->workflows.push_back(rule);
  }
  void addSwarm(SwarmRule& rule) {
    for (auto& [domain, agents] : rule.researchers) agents = resolved(agents);
    rule.otherwise = resolved(rule.otherwise);
    parts_->swarms.push_back(rule);
  }
  void addStrategy(StrategyRule& rule) {
    resolve(rule.then.agent);
    rule.then.agents = resolved(rule.then.agents);
    if (rule.then.agents.empty() && !rule.then.workflow.empty())
      for (const WorkflowStep& step : workflows_.find(rule.then.workflow)->second.rule.steps)
        if (!step.agent.empty()) addOnce(rule.then.agents, step.agent);
    parts_->strategies.push_back(rule);
  }
  void addGate(GateRule& rule) {
    resolve(rule.agent);
    parts_->gates.push_back(rule);
  }

  const AgentNames& agents_;
  const RuleLimits limits_;
  std::shared_ptr<Rules::Parts> parts_ = std::make_shared<Rules::Parts>();
  ByName<StrategyRule> strategies_;
  /// Names of strategies, those that are disabled or left out too: a gate may go on naming them.
  std::set<std::string, std::less<>> declared_;
  ByName<GateRule> gates_;
  ByName<WorkflowRule> workflows_;
  ByName<SwarmRule> swarms_;
  std::vector<TwinsDraft> twins_;
  std::vector<RuleProblem> problems_;
};

LoadedRules loadRules(const std::vector<RuleFile>& files, const AgentNames& agents,
                      const RuleLimits& limits) {
  return RuleLoader(agents, limits).load(files);
}

}  // namespace tutti::routing
