#include "server/routing/rules.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/agents/blueprint.hpp"
#include "server/agents/catalog_files.hpp"
#include "server/base/embedded.hpp"
#include "server/routing/rule_parts.hpp"

namespace tutti::routing {
namespace {
constexpr std::string_view kTypes[] = {"single_agent", "multi_agent", "skill_execution",
                                       "research_swarm", "clarify"};
constexpr std::string_view kPackFolder = "blueprints/packs/";

template <class Rule>
const Rule* named(const std::vector<Rule>& rules, std::string_view name) {
  const auto at =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == name; });
  return at == rules.end() ? nullptr : &*at;
}

/// The program's YAML files directly in `folder`.
void addEmbedded(const std::string& folder, std::vector<RuleFile>& files) {
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with(folder) || !file.path.ends_with(".yaml")) continue;
    if (file.path.find('/', folder.size()) != std::string_view::npos) continue;
    files.push_back({"embedded:" + std::string(file.path), std::string(file.content)});
  }
}

}  // namespace

std::string_view name(StrategyType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

std::string RuleProblem::text() const {
  std::string text = source + ":" + std::to_string(line) + ": ";
  if (!field.empty()) text += field + ": ";
  text += message;
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

Rules::Rules() : parts_(std::make_shared<const Parts>()) {}

const std::vector<StrategyRule>& Rules::strategies() const {
  return parts_->strategies;
}
const std::vector<GateRule>& Rules::gates() const {
  return parts_->gates;
}
const WorkflowRule* Rules::workflow(std::string_view name) const {
  return named(parts_->workflows, name);
}
const SwarmRule* Rules::swarm(std::string_view name) const {
  return named(parts_->swarms, name);
}
const NobodyTopics& Rules::nobody() const {
  return parts_->nobody;
}
const TwinGroups& Rules::twins() const {
  return parts_->twins;
}
const std::string& Rules::fingerprint() const {
  return parts_->fingerprint;
}
const Vocabulary& Rules::vocabulary() const {
  return parts_->vocabulary;
}

AgentNames agentNames(agents::BlueprintCatalog& catalog) {
  AgentNames names;
  std::vector<std::string> aliases;
  for (const agents::Blueprint& blueprint : catalog.list()) {
    names[blueprint.name] = blueprint.name;
    aliases.insert(aliases.end(), blueprint.aliases.begin(), blueprint.aliases.end());
  }
  for (const std::string& alias : aliases) {
    if (names.contains(alias)) continue;
    // Which of two owners an alias means is the catalog's to say.
    if (const Result<agents::Blueprint> owner = catalog.find(alias); owner.ok())
      names[alias] = owner->name;
  }
  return names;
}

std::vector<RuleFile> shippedRuleFiles(const std::vector<std::string>& packs) {
  std::vector<RuleFile> files;
  addEmbedded("blueprints/routing/", files);
  for (const std::string& pack : packs)
    addEmbedded(std::string(kPackFolder) + pack + "/routing/", files);
  return files;
}

struct RuleBook::Impl {
  explicit Impl(Options given) : options(std::move(given)) {
    for (const std::filesystem::path& folder : options.folders)
      folders.emplace_back(
          folder, agents::FolderLayout::Routing,
          agents::WatchedFolder::Limits{options.limits.files_max, options.limits.file_bytes_max});
  }

  bool look() {
    bool differs = false;
    for (agents::WatchedFolder& folder : folders) differs = folder.look() || differs;
    return differs;
  }

  void load(const AgentNames& agents) {
    std::vector<RuleProblem> unreadable;
    std::vector<RuleFile> files;
    if (options.embedded) files = shippedRuleFiles(options.packs);
    for (const agents::WatchedFolder& folder : folders) {
      const agents::SourceTree tree = folder.tree();
      for (const auto& [path, file] : tree.files) {
        const std::string source = agents::describe(tree, path);
        Result<std::string> content = agents::textOf(file);
        if (content.ok())
          files.push_back({source, std::move(*content)});
        else
          unreadable.push_back({source, 1, "", content.error().message(), content.error().hint()});
      }
      for (const agents::BlueprintProblem& problem : folder.problems())
        unreadable.push_back({problem.source, 1, "", problem.message, ""});
    }
    loaded = loadRules(files, agents, options.limits);
    loaded.problems.insert(loaded.problems.begin(), unreadable.begin(), unreadable.end());
  }

  const Options options;
  std::vector<agents::WatchedFolder> folders;
  LoadedRules loaded;
  std::optional<std::uint64_t> generation;  ///< of the catalog at the last load
};

RuleBook::RuleBook(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
RuleBook::~RuleBook() = default;

Rules RuleBook::rules(agents::BlueprintCatalog& catalog) {
  const std::uint64_t generation = catalog.generation();
  const bool differs = impl_->look();
  if (differs || impl_->generation != generation) impl_->load(agentNames(catalog));
  impl_->generation = generation;
  return impl_->loaded.rules;
}

const std::vector<RuleProblem>& RuleBook::problems() const {
  return impl_->loaded.problems;
}

}  // namespace tutti::routing
