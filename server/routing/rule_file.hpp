// One rule file, read: what it says, every field checked, names of other things not yet. Inner to
// this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/routing/rules.hpp"
#include "server/routing/vocabulary.hpp"

namespace tutti::routing {

enum class NameKind { Agent, Workflow, Swarm, Signal, Domain, Intent, Language, Strategy };

/// A name that something else must define.
struct NameUse {
  NameKind kind = NameKind::Agent;
  std::string name;
  std::string field;
  int line = 0;
};

/// A strategy, gate, workflow or swarm as its file has it. Agents are named as written.
template <class Rule>
struct Draft {
  Rule rule;
  bool enabled = true;  ///< false: takes away what an earlier file defined
  std::vector<NameUse> uses;
};

struct TermDraft {
  std::string text;
  double weight = 0;
  bool is_pattern = false;
};

struct EntryDraft {
  Section section = Section::Signals;
  std::string name;
  bool replace = false;  ///< drop what earlier files said
  std::vector<TermDraft> terms;
};

/// Of one file; other files may add to the group.
struct TwinsDraft {
  std::string group;
  std::vector<std::string> agents;
  std::vector<NameUse> uses;
  std::string source;
};

struct FileDraft {
  std::vector<EntryDraft> entries;
  std::vector<std::string> hosts, file_extensions;
  std::vector<Draft<StrategyRule>> strategies;
  std::vector<Draft<GateRule>> gates;
  std::vector<Draft<WorkflowRule>> workflows;
  std::vector<Draft<SwarmRule>> swarms;
  std::vector<TwinsDraft> twins;
  NobodyTopics nobody;                ///< one without examples takes away what an earlier file said
  std::vector<RuleProblem> problems;  ///< by line; with any the rest counts for nothing
};

FileDraft readRuleFile(const RuleFile& file, const RuleLimits& limits);

}  // namespace tutti::routing
