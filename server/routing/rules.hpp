// The routing rules: what words mean, who does what, and which strategy follows. They are data,
// read from YAML files; blueprints/README.md says how to write one, schemas/routing.json every
// field.
//
// Sources, in order: those shipped (blueprints/routing/*.yaml), those of each loaded pack
// (blueprints/packs/<pack>/routing/*.yaml), then each blueprint folder's own routing/*.yaml. A
// later file adds terms to a vocabulary of the same name, agents to twins, and replaces a strategy,
// gate, workflow, swarm or topic of nobody's of the same name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/analysis.hpp"
#include "server/routing/nobody.hpp"

namespace tutti::agents {
class BlueprintCatalog;
}

namespace tutti::routing {

enum class StrategyType { SingleAgent, MultiAgent, SkillExecution, ResearchSwarm, Clarify };
/// As in "single_agent".
std::string_view name(StrategyType type);

/// One file of rules. `source` is for people: a path, or "embedded:blueprints/…".
struct RuleFile {
  std::string source;
  std::string content;
};

/// What is wrong in a rule file. A file with a problem in itself is left out whole; a strategy,
/// gate, workflow or swarm that names what does not exist is left out alone. Neither harms another.
struct RuleProblem {
  std::string source;
  int line = 0;         ///< from 1
  std::string field;    ///< as in "strategies.hardware.then.agent"
  std::string message;  ///< what is wrong with which value
  std::string hint;     ///< nearest names, or the rule; may be empty
  /// "FILE:12: strategies.x.then.agent: unknown agent 'secrity' (did you mean security?)"
  std::string text() const;
};

/// Names and aliases of blueprints, each with the blueprint's own name.
using AgentNames = std::map<std::string, std::string, std::less<>>;
AgentNames agentNames(agents::BlueprintCatalog& catalog);

/// When a strategy or a gate applies. Evaluated to a confidence: of `All` the least of its parts,
/// of `Any` the greatest; `Not` is 1 when every part fails, else 0; a leaf gives its own
/// confidence, or 0 below `least`; `Always` is 1.
struct Condition {
  enum class Kind {
    Always,
    All,
    Any,
    Not,
    Signal,
    Domain,
    Intent,
    Complexity,
    Urgency,
    Reference,
    Language
  };
  Kind kind = Kind::Always;
  std::string value;  ///< the leaf's: a name; of Complexity and Urgency the least level
  double least = 0;   ///< confidence below which the leaf fails
  std::vector<Condition> parts;
};

struct WorkflowStep {
  std::string agent;   ///< the blueprint's own name; "" for a step of the orchestrator itself
  std::string action;  ///< as in "scan_all_hosts"
  bool operator==(const WorkflowStep&) const = default;
};

struct WorkflowRule {
  std::string name;
  std::string description;
  std::vector<WorkflowStep> steps;  ///< at least one
  bool rollback = false;            ///< undo the finished steps when one fails
  std::string source;
};

/// Who researches each domain.
struct SwarmRule {
  std::string name;
  std::map<std::string, std::vector<std::string>, std::less<>> researchers;  ///< by domain
  std::vector<std::string> otherwise;  ///< for a request of no domain above, or ""
  std::string source;
};

/// What is done when a strategy is chosen.
struct StrategyAction {
  StrategyType type = StrategyType::SingleAgent;
  /// SingleAgent, SkillExecution: its own name, or "" for the best candidate. ResearchSwarm: who
  /// coordinates the clusters and joins what they find, or "".
  std::string agent;
  std::string workflow;             ///< MultiAgent
  std::vector<std::string> agents;  ///< MultiAgent: whom it needs; never empty
  std::string skill;                ///< SkillExecution
  std::string swarm;                ///< ResearchSwarm
  std::string question;             ///< Clarify; "": made from what is missing
};

struct StrategyRule {
  std::string name;
  std::string description;  ///< begins the reason that people read
  Condition when;
  /// -1000 to 1000: of those that apply, the highest wins; one below 0 only where no candidate fits
  /// well enough.
  int priority = 0;
  double weight = 1;  ///< 0 to 1, times the condition's confidence: decides at equal priority
  /// 0 to 1: it gives way where an agent that has no part in it fits at least so well; 0: never.
  double yields_at = 0;
  StrategyAction then;
  std::string source;
};

/// An agent that has to look too, whatever strategy was chosen, when `when` holds.
struct GateRule {
  enum class At { Start, End };
  std::string name;
  std::string description;
  Condition when;
  std::string agent;   ///< its own name
  std::string action;  ///< as in "security_validation"
  At at = At::End;
  std::vector<std::string> only;    ///< strategies that it looks at; empty: all
  std::vector<std::string> except;  ///< strategies that bring the same already
  std::string source;
};

/// Agents that do the same work, by what it is: whom of them to take is no question to the asker.
using TwinGroups = std::map<std::string, std::vector<std::string>, std::less<>>;

struct Vocabulary;  // vocabulary.hpp, for analyze()

/// Rules that were checked: every name in them exists. Cheap to copy, never changes. Thread-safe.
class Rules {
 public:
  /// No vocabulary, no strategies.
  Rules();

  /// Strategies by falling priority, then by name; the others by name.
  const std::vector<StrategyRule>& strategies() const;
  const std::vector<GateRule>& gates() const;
  const WorkflowRule* workflow(std::string_view name) const;
  const SwarmRule* swarm(std::string_view name) const;
  const NobodyTopics& nobody() const;
  const TwinGroups& twins() const;
  /// Differs when anything in the rules differs: for keys of caches. 16 hexadecimal digits.
  const std::string& fingerprint() const;
  const Vocabulary& vocabulary() const;

 private:
  friend class RuleLoader;
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

struct LoadedRules {
  Rules rules;
  std::vector<RuleProblem> problems;  ///< by file, then line
};

/// Bounds of what is read: past one the file is refused with a problem that names it.
struct RuleLimits {
  std::size_t files_max = 200;
  std::size_t file_bytes_max = 256U * 1024;
  std::size_t terms_max = 20'000;      ///< of all vocabularies
  std::size_t patterns_max = 200;      ///< regular expressions, by RE2: linear time
  std::size_t strategies_max = 1'000;  ///< also gates, workflows and swarms, of each
  std::size_t nobody_max = 2'000;      ///< examples of what nobody is for
};

/// Reads `files` in order. Never fails as a whole. Thread-safe.
LoadedRules loadRules(const std::vector<RuleFile>& files, const AgentNames& agents,
                      const RuleLimits& limits = {});

/// The program's own files: those of no pack, then those of each pack in `packs`.
std::vector<RuleFile> shippedRuleFiles(const std::vector<std::string>& packs);

/// The rules in force. Every call sees the files and the catalog as they are now; what is unchanged
/// is not read again.
///
/// Runs on one thread only (the I/O thread).
class RuleBook {
 public:
  struct Options {
    std::vector<std::filesystem::path>
        folders;  ///< blueprint folders; each may have routing/*.yaml
    std::vector<std::string> packs;
    bool embedded = true;
    RuleLimits limits = {};
  };
  explicit RuleBook(Options options);
  ~RuleBook();

  Rules rules(agents::BlueprintCatalog& catalog);
  /// Of the last rules().
  const std::vector<RuleProblem>& problems() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::routing
