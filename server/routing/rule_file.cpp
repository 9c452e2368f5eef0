#include "server/routing/rule_file.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "server/base/text.hpp"
#include "server/routing/rule_node.hpp"

namespace tutti::routing {
namespace {
using Words = std::span<const std::string_view>;

constexpr std::size_t kConditionDepthMax = 6;
constexpr std::size_t kNameBytesMax = 100;
constexpr std::size_t kStepsMax = 32;  ///< of a workflow
constexpr double kWeightByDefault = 0.7;
constexpr RuleNode::Range kShare{0, 1};
constexpr RuleNode::Range kPriorities{-1000, 1000};

constexpr std::string_view kFileFields[] = {
    "description", "signals",           "domains",  "intents", "complexity",      "urgency",
    "languages",   "natural_languages", "negation", "hosts",   "file_extensions", "strategies",
    "gates",       "workflows",         "swarms",   "nobody",  "yields_at",       "twins"};
constexpr std::string_view kEntryFields[] = {"description", "terms", "patterns", "except",
                                             "replace"};
constexpr std::string_view kGroupFields[] = {"terms", "term", "weight"};
constexpr std::string_view kPatternFields[] = {"pattern", "weight"};
constexpr std::string_view kStrategyFields[] = {"description", "when", "priority", "weight",
                                                "yields_at",   "then", "enabled"};
constexpr std::string_view kActionFields[] = {"type",  "agent", "workflow", "agents",
                                              "skill", "swarm", "question"};
constexpr std::string_view kGateFields[] = {"description", "when", "agent",  "action",
                                            "at",          "only", "except", "enabled"};
constexpr std::string_view kWorkflowFields[] = {"description", "steps", "rollback", "enabled"};
constexpr std::string_view kSwarmFields[] = {"description", "domains", "otherwise", "enabled"};
constexpr std::string_view kTopicFields[] = {"description", "unless", "examples", "enabled"};
constexpr std::string_view kLeaves[] = {"signal",  "domain",    "intent",  "complexity",
                                        "urgency", "reference", "language"};
constexpr std::string_view kConditionFields[] = {"all",       "any",      "not",        "signal",
                                                 "domain",    "intent",   "complexity", "urgency",
                                                 "reference", "language", "confidence"};
constexpr std::string_view kTypes[] = {"single_agent", "multi_agent", "skill_execution",
                                       "research_swarm", "clarify"};
constexpr std::string_view kPlaces[] = {"end", "start"};
constexpr std::string_view kComplexities[] = {"simple", "moderate", "complex", "enterprise",
                                              "investigation"};
constexpr std::string_view kUrgencies[] = {"low", "normal", "high", "critical"};
constexpr std::string_view kReferences[] = {"host", "file", "url"};
constexpr std::string_view kNegations[] = {"before", "after", "ends", "joins", "never"};

bool isName(std::string_view name) {
  const auto fits = [](char c) {
    const auto low = static_cast<unsigned char>(static_cast<unsigned char>(c) | 0x20U);
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '_' || c == '-' ||
           c == '+' || c == '#';
  };
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), fits);
}

/// The members of a section, each with a name that is one.
std::vector<std::pair<std::string, RuleNode>> itemsOf(const RuleNode& section) {
  auto items = section.members();
  for (const auto& [name, item] : items)
    if (!isName(name))
      item.refuse(
          "the name '" + shortened(name, 60) + "' has other characters than a-z 0-9 _ - + #",
          "give it another name");
  return items;
}

class FileReader {
 public:
  FileReader(RuleSource& source, FileDraft& draft) : root_(source), draft_(draft) {
    scratch_entry_ = scratch_.entry(Section::Signals, "x");
  }

  void run() {
    root_.allowOnly(kFileFields);
    root_.member("description").text();
    readEntries("signals", Section::Signals, {});
    readEntries("domains", Section::Domains, {});
    readEntries("intents", Section::Intents, {});
    readEntries("complexity", Section::Complexity, kComplexities);
    readEntries("urgency", Section::Urgency, kUrgencies);
    readEntries("languages", Section::Languages, {});
    readEntries("natural_languages", Section::NaturalLanguages, {});
    readEntries("negation", Section::Negation, kNegations);
    draft_.hosts = root_.member("hosts").texts();
    draft_.file_extensions = root_.member("file_extensions").texts();
    yields_at_ = root_.member("yields_at").number(0, kShare);
    for (const auto& [name, node] : itemsOf(root_.member("strategies"))) readStrategy(name, node);
    for (const auto& [name, node] : itemsOf(root_.member("gates"))) readGate(name, node);
    for (const auto& [name, node] : itemsOf(root_.member("workflows"))) readWorkflow(name, node);
    for (const auto& [name, node] : itemsOf(root_.member("swarms"))) readSwarm(name, node);
    for (const auto& [name, node] : itemsOf(root_.member("nobody"))) readTopic(name, node);
    for (const auto& [name, node] : itemsOf(root_.member("twins"))) {
      TwinsDraft twins{name, {}, {}, {}};
      twins.agents = names(node, NameKind::Agent, twins.uses);
      draft_.twins.push_back(std::move(twins));
    }
  }

 private:
  using Uses = std::vector<NameUse>;

  static void use(Uses& uses, NameKind kind, const RuleNode& node, const std::string& name) {
    if (!name.empty()) uses.push_back({kind, name, node.field(), node.line()});
  }
  static std::vector<std::string> names(const RuleNode& list, NameKind kind, Uses& uses) {
    std::vector<std::string> found;
    for (const RuleNode& element : list.elements()) {
      found.push_back(element.requiredText());
      use(uses, kind, element, found.back());
    }
    return found;
  }

  // --- words ---

  void readEntries(std::string_view key, Section section, Words names) {
    for (const auto& [name, node] : itemsOf(root_.member(key))) {
      if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end())
        node.refuse("unknown name '" + shortened(name, 60) + "'",
                    "use one of " + joined(std::vector<std::string>(names.begin(), names.end())));
      readEntry(section, name, node);
    }
  }

  void readEntry(Section section, const std::string& name, const RuleNode& node) {
    EntryDraft entry{section, name, false, {}};
    if (node.isList()) {  // the short form: terms alone
      readTerms(node, kWeightByDefault, entry);
    } else {
      node.allowOnly(kEntryFields);
      node.member("description").text();
      entry.replace = node.member("replace").boolean(false);
      readTerms(node.member("terms"), kWeightByDefault, entry);
      readPatterns(node.member("patterns"), entry);
      for (const RuleNode& term : node.member("except").elements()) addTerm(term, 0, entry);
    }
    draft_.entries.push_back(std::move(entry));
  }

  void readTerms(const RuleNode& list, double weight, EntryDraft& entry) {
    for (const RuleNode& element : list.elements()) {
      if (!element.isMapping()) {
        addTerm(element, weight, entry);
        continue;
      }
      element.allowOnly(kGroupFields);
      const double own = weightOf(element, weight);
      if (!element.member("term").isNull()) addTerm(element.member("term"), own, entry);
      for (const RuleNode& term : element.member("terms").elements()) addTerm(term, own, entry);
    }
  }

  /// A weight of 0 would say nothing.
  static double weightOf(const RuleNode& node, double fallback) {
    return node.member("weight").number(fallback, {0.01, 1});
  }

  void addTerm(const RuleNode& node, double weight, EntryDraft& entry) {
    std::string text = node.requiredText();
    if (text.empty()) return;
    if (Status added = scratch_.addTerm(scratch_entry_, text, weight); !added.ok())
      return node.refuse(added.error().message(), added.error().hint());
    entry.terms.push_back({std::move(text), weight, false});
  }

  void readPatterns(const RuleNode& list, EntryDraft& entry) {
    for (const RuleNode& element : list.elements()) {
      if (element.isMapping()) element.allowOnly(kPatternFields);
      const RuleNode pattern = element.isMapping() ? element.member("pattern") : element;
      const double weight =
          element.isMapping() ? weightOf(element, kWeightByDefault) : kWeightByDefault;
      std::string text = pattern.requiredText();
      if (text.empty()) continue;
      if (Status added = scratch_.addPattern(scratch_entry_, text, weight); !added.ok())
        pattern.refuse(added.error().message(), added.error().hint());
      else
        entry.terms.push_back({std::move(text), weight, true});
    }
  }

  // --- conditions ---

  Condition readCondition(const RuleNode& node, std::size_t depth, Uses& uses) {
    Condition condition;
    if (node.isNull()) return condition;
    if (!node.isMapping()) {
      node.refuse("is no condition",
                  "write {signal: NAME}, or all, any or not with a list of such");
      return condition;
    }
    if (depth > kConditionDepthMax) {
      node.refuse("is nested deeper than " + std::to_string(kConditionDepthMax) + " levels");
      return condition;
    }
    node.allowOnly(kConditionFields);
    std::vector<std::string> given;
    for (const auto& [key, value] : node.members())
      if (key != "confidence") given.push_back(key);
    if (given.size() != 1) {
      node.refuse(given.empty() ? "names no condition" : "names " + joined(given) + " at once",
                  "give one of all, any, not and a leaf such as signal; join several with all");
      return condition;
    }
    if (given[0] == "all") return readParts(Condition::Kind::All, node.member("all"), depth, uses);
    if (given[0] == "any") return readParts(Condition::Kind::Any, node.member("any"), depth, uses);
    if (given[0] == "not") return readParts(Condition::Kind::Not, node.member("not"), depth, uses);
    return readLeaf(node, given[0], uses);
  }

  Condition readParts(Condition::Kind kind, const RuleNode& list, std::size_t depth, Uses& uses) {
    Condition condition;
    condition.kind = kind;
    for (const RuleNode& element : list.elements())
      condition.parts.push_back(readCondition(element, depth + 1, uses));
    if (list.isList() && condition.parts.empty()) list.refuse("has no condition in it");
    return condition;
  }

  static Condition readLeaf(const RuleNode& node, const std::string& key, Uses& uses) {
    static constexpr Condition::Kind kKinds[] = {
        Condition::Kind::Signal,     Condition::Kind::Domain,  Condition::Kind::Intent,
        Condition::Kind::Complexity, Condition::Kind::Urgency, Condition::Kind::Reference,
        Condition::Kind::Language};
    const auto at = std::find(std::begin(kLeaves), std::end(kLeaves), key);
    Condition condition;
    if (at == std::end(kLeaves)) return condition;  // an unknown field: refused already
    condition.kind = kKinds[at - std::begin(kLeaves)];
    const RuleNode value = node.member(key);
    condition.value = value.requiredText();
    const bool counts = condition.kind == Condition::Kind::Signal ||
                        condition.kind == Condition::Kind::Domain ||
                        condition.kind == Condition::Kind::Language;
    condition.least = node.member("confidence").number(counts ? kSignalLeast : 0, kShare);
    switch (condition.kind) {
      case Condition::Kind::Signal:
        use(uses, NameKind::Signal, value, condition.value);
        break;
      case Condition::Kind::Domain:
        use(uses, NameKind::Domain, value, condition.value);
        break;
      case Condition::Kind::Intent:
        use(uses, NameKind::Intent, value, condition.value);
        break;
      case Condition::Kind::Language:
        use(uses, NameKind::Language, value, condition.value);
        break;
      case Condition::Kind::Complexity:
        value.word(kComplexities);
        break;
      case Condition::Kind::Urgency:
        value.word(kUrgencies);
        break;
      default:
        value.word(kReferences);
    }
    return condition;
  }

  // --- strategies, gates, workflows, swarms ---

  void readStrategy(const std::string& name, const RuleNode& node) {
    node.allowOnly(kStrategyFields);
    Draft<StrategyRule> draft;
    draft.rule.name = name;
    draft.enabled = node.member("enabled").boolean(true);
    if (draft.enabled) {
      draft.rule.description = node.member("description").requiredText();
      draft.rule.when = readCondition(node.member("when"), 1, draft.uses);
      draft.rule.priority = node.member("priority").integer(0, kPriorities);
      draft.rule.weight = node.member("weight").number(1, kShare);
      draft.rule.yields_at = node.member("yields_at").number(yields_at_, kShare);
      draft.rule.then = readAction(node.member("then"), draft.uses);
    }
    draft_.strategies.push_back(std::move(draft));
  }

  static StrategyAction readAction(const RuleNode& node, Uses& uses) {
    StrategyAction action;
    if (!node.isMapping()) {
      node.refuse("is missing", "say what follows: then: {type: single_agent, agent: NAME}");
      return action;
    }
    node.allowOnly(kActionFields);
    const std::string type = node.member("type").requiredText();
    action.type = static_cast<StrategyType>(node.member("type").word(kTypes));
    action.agent = node.member("agent").text();
    use(uses, NameKind::Agent, node.member("agent"), action.agent);
    action.workflow = node.member("workflow").text();
    use(uses, NameKind::Workflow, node.member("workflow"), action.workflow);
    action.agents = names(node.member("agents"), NameKind::Agent, uses);
    action.skill = node.member("skill").text();
    action.swarm = node.member("swarm").text();
    use(uses, NameKind::Swarm, node.member("swarm"), action.swarm);
    action.question = node.member("question").text();
    if (name(action.type) == type) checkFields(node, action.type);
    return action;
  }

  /// Which fields each type needs and which it may have.
  static void checkFields(const RuleNode& node, StrategyType type) {
    struct Fields {
      std::string_view needed, allowed;
    };
    static constexpr Fields kFields[] = {{"", " agent skill "},
                                         {"", " workflow agents "},
                                         {" agent skill ", " agent skill "},
                                         {" swarm ", " swarm agent "},
                                         {"", " question "}};
    const Fields& fields = kFields[static_cast<std::size_t>(type)];
    const std::string type_name(name(type));
    for (const std::string_view key : kActionFields) {
      if (key == "type") continue;
      const std::string padded = " " + std::string(key) + " ";
      const bool given = !node.member(key).isNull();
      if (given && fields.allowed.find(padded) == std::string_view::npos)
        node.member(key).refuse("a " + type_name + " has no '" + std::string(key) + "'");
      if (!given && fields.needed.find(padded) != std::string_view::npos)
        node.member(key).refuse("is missing: a " + type_name + " needs it");
    }
    const bool has_agents = !node.member("agents").isNull() || !node.member("workflow").isNull();
    if (type == StrategyType::MultiAgent && !has_agents)
      node.refuse("names neither 'workflow' nor 'agents': a multi_agent needs one of them");
  }

  void readGate(const std::string& name, const RuleNode& node) {
    node.allowOnly(kGateFields);
    Draft<GateRule> draft;
    draft.rule.name = name;
    draft.enabled = node.member("enabled").boolean(true);
    if (draft.enabled) {
      draft.rule.description = node.member("description").requiredText();
      draft.rule.when = readCondition(node.member("when"), 1, draft.uses);
      draft.rule.agent = node.member("agent").requiredText();
      use(draft.uses, NameKind::Agent, node.member("agent"), draft.rule.agent);
      draft.rule.action = node.member("action").requiredText();
      draft.rule.at =
          node.member("at").word(kPlaces) == 0 ? GateRule::At::End : GateRule::At::Start;
      draft.rule.only = names(node.member("only"), NameKind::Strategy, draft.uses);
      draft.rule.except = names(node.member("except"), NameKind::Strategy, draft.uses);
    }
    draft_.gates.push_back(std::move(draft));
  }

  void readWorkflow(const std::string& name, const RuleNode& node) {
    node.allowOnly(kWorkflowFields);
    Draft<WorkflowRule> draft;
    draft.rule.name = name;
    draft.enabled = node.member("enabled").boolean(true);
    if (draft.enabled) {
      draft.rule.description = node.member("description").requiredText();
      draft.rule.rollback = node.member("rollback").boolean(false);
      readSteps(node.member("steps"), draft);
    }
    draft_.workflows.push_back(std::move(draft));
  }

  static void readSteps(const RuleNode& list, Draft<WorkflowRule>& draft) {
    const std::vector<RuleNode> steps = list.elements();
    if (steps.empty() && (list.isNull() || list.isList())) list.refuse("has no step");
    if (steps.size() > kStepsMax)
      list.refuse("has " + std::to_string(steps.size()) + " steps, of " +
                      std::to_string(kStepsMax) + " (steps_max)",
                  "join steps of one agent");
    for (const RuleNode& step : steps) {
      const std::string text = step.requiredText();
      const std::size_t dot = text.find('.');
      if (text.empty()) continue;
      if (dot == std::string::npos || dot + 1 == text.size()) {
        step.refuse("the step '" + shortened(text, 60) + "' is not agent.action",
                    "write AGENT.ACTION, or .ACTION for a step of the first agent");
        continue;
      }
      draft.rule.steps.push_back({text.substr(0, dot), text.substr(dot + 1)});
      use(draft.uses, NameKind::Agent, step, draft.rule.steps.back().agent);
    }
  }

  void readSwarm(const std::string& name, const RuleNode& node) {
    node.allowOnly(kSwarmFields);
    Draft<SwarmRule> draft;
    draft.rule.name = name;
    draft.enabled = node.member("enabled").boolean(true);
    if (draft.enabled) {
      node.member("description").text();
      for (const auto& [domain, agents] : node.member("domains").members()) {
        use(draft.uses, NameKind::Domain, agents, domain);
        draft.rule.researchers[domain] = names(agents, NameKind::Agent, draft.uses);
      }
      const RuleNode otherwise = node.member("otherwise");
      draft.rule.otherwise = names(otherwise, NameKind::Agent, draft.uses);
      if (otherwise.isNull())
        otherwise.refuse("is missing: who researches what has no domain above");
    }
    draft_.swarms.push_back(std::move(draft));
  }

  void readTopic(const std::string& name, const RuleNode& node) {
    node.allowOnly(kTopicFields);
    NobodyTopic& topic = draft_.nobody[name];
    if (!node.member("enabled").boolean(true)) return;
    node.member("description").text();
    topic.unless = node.member("unless").texts();
    topic.examples = node.member("examples").texts();
    if (topic.examples.empty())
      node.member("examples").refuse("has no example", "write requests that nobody here is for");
  }

  const RuleNode root_;
  FileDraft& draft_;
  Vocabulary scratch_;  ///< tries each term, so that errors bear the file's line
  std::uint32_t scratch_entry_ = 0;
  double yields_at_ = 0;  ///< of strategies that say nothing themselves
};

template <class Rule>
void setSource(std::vector<Draft<Rule>>& drafts, const std::string& source) {
  for (Draft<Rule>& draft : drafts) draft.rule.source = source;
}
}  // namespace

FileDraft readRuleFile(const RuleFile& file, const RuleLimits& limits) {
  FileDraft draft;
  agents::YamlLimits yaml;
  yaml.bytes_max = limits.file_bytes_max;
  yaml.nodes_max = 4 * limits.terms_max;
  Result<agents::YamlDocument> document = agents::parseYamlDocument(file.content, yaml);
  if (!document.ok()) {
    const Error& error = document.error();
    int line = 1;
    std::from_chars(error.details().data(), error.details().data() + error.details().size(), line);
    draft.problems.push_back({file.source, line, "", error.message(), error.hint()});
    return draft;
  }
  RuleSource source{file.source, std::move(*document), {}};
  FileReader(source, draft).run();
  draft.problems = std::move(source.problems);
  std::stable_sort(draft.problems.begin(), draft.problems.end(),
                   [](const RuleProblem& a, const RuleProblem& b) { return a.line < b.line; });
  setSource(draft.strategies, file.source);
  setSource(draft.gates, file.source);
  setSource(draft.workflows, file.source);
  setSource(draft.swarms, file.source);
  for (TwinsDraft& twins : draft.twins) twins.source = file.source;
  return draft;
}

}  // namespace tutti::routing
