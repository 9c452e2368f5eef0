#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "server/agents/blueprint.hpp"
#include "server/agents/blueprint_files.hpp"
#include "server/agents/catalog_files.hpp"
#include "server/agents/packs.hpp"
#include "server/agents/start_plan.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kProjectsMax = 64;

/// One place that blueprints come from, and what it held at the last look.
class Source {
 public:
  Source(fs::path root, FolderLayout layout, WatchedFolder::Limits limits)
      : layout_(layout), folder_(std::in_place, std::move(root), layout, limits) {}
  /// The program itself: one of its packs, or with "" what is in none.
  explicit Source(std::string pack) : layout_(FolderLayout::Aof), pack_(std::move(pack)) {}

  /// Returns whether anything differs from the last look.
  bool look() {
    if (!folder_) return !std::exchange(looked_, true) && readEmbedded();
    if (!folder_->look()) return false;
    read(folder_->tree());
    return true;
  }

  /// The blueprint of that name, or that of the folder or file of that name: AOF's clients use
  /// either.
  const ParsedBlueprint* find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &parsed_[found->second];
  }
  const ParsedBlueprint* findAlias(std::string_view alias) const {
    const auto found = aliases_.find(alias);
    return found == aliases_.end() ? nullptr : &parsed_[found->second];
  }
  const std::vector<ParsedBlueprint>& parsed() const { return parsed_; }
  std::vector<BlueprintProblem> problems() const {
    std::vector<BlueprintProblem> all = problems_;
    if (folder_) all.insert(all.end(), folder_->problems().begin(), folder_->problems().end());
    return all;
  }

 private:
  bool readEmbedded() {
    const SourceFiles files = embeddedBlueprints(pack_);
    read({files, {}, pack_});
    return true;
  }

  void read(const SourceTree& tree) {
    parsed_ = layout_ == FolderLayout::Aof ? readAofTree(tree) : readClaudeTree(tree);
    problems_.clear();
    index_.clear();
    for (std::size_t i = 0; i < parsed_.size(); ++i) {
      const ParsedBlueprint& one = parsed_[i];
      if (!one.blueprint.ok()) {
        problems_.push_back({one.source, one.blueprint.error().text()});
      } else if (const auto [known, added] = index_.emplace(one.blueprint->name, i); !added) {
        problems_.push_back({one.source, "'" + known->first + "' is already the name in " +
                                             parsed_[known->second].source +
                                             " (rename one of them)"});
      }
    }
    for (std::size_t i = 0; i < parsed_.size(); ++i) index_.emplace(parsed_[i].file_name, i);
    readAliases();
  }

  void readAliases() {
    aliases_.clear();
    for (std::size_t i = 0; i < parsed_.size(); ++i) {
      if (!parsed_[i].blueprint.ok()) continue;
      for (const std::string& alias : parsed_[i].blueprint->aliases) {
        const ParsedBlueprint* owner = find(alias);
        if (owner == nullptr) owner = &parsed_[aliases_.emplace(alias, i).first->second];
        if (owner != &parsed_[i])
          problems_.push_back({parsed_[i].source, "its alias '" + alias + "' is already taken by " +
                                                      owner->source + " (take another)"});
      }
    }
  }

  FolderLayout layout_;
  std::string pack_;
  std::optional<WatchedFolder> folder_;
  bool looked_ = false;
  std::vector<ParsedBlueprint> parsed_;
  std::vector<BlueprintProblem> problems_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::size_t, std::less<>> aliases_;
};
}  // namespace

struct BlueprintCatalog::Impl {
  explicit Impl(Options given) : options(std::move(given)) {
    for (const fs::path& folder : options.folders)
      folders.emplace_back(folder, FolderLayout::Aof, limits());
    for (const fs::path& folder : options.claude_folders)
      claude_folders.emplace_back(folder, FolderLayout::ClaudeCode, limits());
    if (options.embedded) embedded.emplace_back(std::string());
    for (const std::string& pack : options.packs) embedded.emplace_back(pack);
  }

  WatchedFolder::Limits limits() const { return {options.blueprints_max, options.file_bytes_max}; }

  std::vector<const Source*> inOrder(const Source* project) const {
    std::vector<const Source*> all;
    for (const Source& source : folders) all.push_back(&source);
    if (project != nullptr) all.push_back(project);
    for (const Source& source : claude_folders) all.push_back(&source);
    for (const Source& source : embedded) all.push_back(&source);
    return all;
  }

  bool look() {
    bool changed = false;
    for (Source& source : folders) changed = source.look() || changed;
    for (Source& source : claude_folders) changed = source.look() || changed;
    for (Source& source : embedded) changed = source.look() || changed;
    return changed;
  }

  /// Is this folder to be looked at in this call?
  bool mayLook(const std::string& root) { return !held || held->insert(root).second; }

  /// Merges the sources again if one of them changed.
  void refresh() {
    if (!mayLook({}) || (!look() && merged)) return;
    merged = true;
    ++generation;
    plans.clear();
    std::map<std::string, const Blueprint*> by_name;
    problems.clear();
    for (const Source* source : inOrder(nullptr)) {
      for (const ParsedBlueprint& one : source->parsed()) addTo(by_name, *source, one);
      const std::vector<BlueprintProblem> more = source->problems();
      problems.insert(problems.end(), more.begin(), more.end());
    }
    reportMissingFolders();
    list.clear();
    for (const auto& [name, blueprint] : by_name)
      if (list.size() < options.blueprints_max) list.push_back(*blueprint);
    if (by_name.size() > list.size())
      problems.push_back({"blueprints", "more than " + std::to_string(options.blueprints_max) +
                                            " blueprints; the rest is left out (blueprints_max)"});
  }

  /// A blueprint that find() would not return is not listed: shadowed by another or by a broken
  /// one.
  static void addTo(std::map<std::string, const Blueprint*>& by_name, const Source& source,
                    const ParsedBlueprint& one) {
    if (one.blueprint.ok() && source.find(one.blueprint->name) == &one)
      by_name.emplace(one.blueprint->name, &*one.blueprint);
  }

  void reportMissingFolders() {
    for (const fs::path& folder : options.folders) {
      std::error_code ignored;
      if (fs::is_directory(folder, ignored)) continue;
      problems.push_back({folder.string(), "this folder does not exist (correct --blueprints)"});
    }
  }

  Source* projectSource(const fs::path& project_dir) {
    if (project_dir.empty()) return nullptr;
    const fs::path root = project_dir / ".claude" / "agents";
    const auto same = std::find(options.claude_folders.begin(), options.claude_folders.end(), root);
    if (same != options.claude_folders.end()) return nullptr;
    if (projects.size() >= kProjectsMax && !projects.contains(root.string())) forgetProjects();
    const auto [place, added] =
        projects.try_emplace(root.string(), root, FolderLayout::ClaudeCode, limits());
    if (mayLook(root.string()) && place->second.look()) plans.clear();
    return &place->second;
  }

  void forgetProjects() {
    projects.clear();
    plans.clear();
    if (held) held->clear();
  }

  Result<const Blueprint*> find(std::string_view name, const fs::path& project_dir) {
    refresh();
    const Source* project = projectSource(project_dir);
    const std::vector<const Source*> sources = inOrder(project);
    for (const Source* source : sources)
      if (const ParsedBlueprint* found = source->find(name)) return usable(name, *found);
    for (const Source* source : sources)
      if (const ParsedBlueprint* found = source->findAlias(name)) return usable(name, *found);
    return unknown(name, project);
  }

  static Result<const Blueprint*> usable(std::string_view name, const ParsedBlueprint& found) {
    if (!found.blueprint.ok())
      return Error(Code::InvalidArgument,
                   "blueprint '" + std::string(name) + "' in " + found.source +
                       " cannot be used: " + found.blueprint.error().message(),
                   found.blueprint.error().hint())
          .named("bad_blueprint");
    if (!found.blueprint->active)
      return Error(Code::Conflict, "blueprint '" + std::string(name) + "' is inactive",
                   "remove the file .disabled beside " + found.source)
          .named("blueprint_inactive");
    return &*found.blueprint;
  }

  std::vector<std::string> names(const Source* project) const {
    std::vector<std::string> all;
    for (const Blueprint& blueprint : list) {
      all.push_back(blueprint.name);
      all.insert(all.end(), blueprint.aliases.begin(), blueprint.aliases.end());
    }
    if (project == nullptr) return all;
    for (const ParsedBlueprint& one : project->parsed())
      if (one.blueprint.ok()) all.push_back(one.blueprint->name);
    return all;
  }

  Error unknown(std::string_view name, const Source* project) const {
    const std::vector<std::string> near = nearestNames(name, names(project));
    std::string hint = "list_blueprints names the known ones";
    if (!near.empty()) hint = "did you mean " + joined(near) + "? " + hint;
    if (const std::vector<std::string> packs = packsWithAgent(name); !packs.empty())
      hint = "start tutti with --pack " + packs[0] + ", or TUTTI_PACKS=" + packs[0];
    return Error(Code::NotFound, "unknown blueprint '" + shortened(name, 80) + "'", std::move(hint))
        .named("unknown_blueprint");
  }

  const Options options;
  std::vector<Source> folders;
  std::vector<Source> claude_folders;
  std::vector<Source> embedded;  ///< what is in no pack first
  std::map<std::string, Source> projects;
  std::vector<Blueprint> list;
  std::vector<BlueprintProblem> problems;
  bool merged = false;
  std::uint64_t generation = 0;
  /// Of blueprints as the sources hold them; emptied when a source has read anew.
  std::map<const Blueprint*, std::shared_ptr<const StartPlan>> plans;
  std::optional<std::set<std::string>> held;  ///< the folders looked at since hold()
};

BlueprintCatalog::BlueprintCatalog(Options options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
BlueprintCatalog::~BlueprintCatalog() = default;

const std::vector<Blueprint>& BlueprintCatalog::list() {
  impl_->refresh();
  return impl_->list;
}

std::uint64_t BlueprintCatalog::generation() {
  impl_->refresh();
  return impl_->generation;
}

const std::vector<BlueprintProblem>& BlueprintCatalog::problems() {
  return impl_->problems;
}

Result<Blueprint> BlueprintCatalog::find(std::string_view name, const fs::path& project_dir) {
  Result<const Blueprint*> found = impl_->find(name, project_dir);
  if (!found.ok()) return std::move(found).error();
  return **found;
}

Result<std::shared_ptr<const StartPlan>> BlueprintCatalog::plan(std::string_view name,
                                                                const fs::path& project_dir) {
  Result<const Blueprint*> found = impl_->find(name, project_dir);
  if (!found.ok()) return std::move(found).error();
  std::shared_ptr<const StartPlan>& plan = impl_->plans[*found];
  if (plan) return plan;
  Result<StartPlan> made = makeStartPlan(**found);
  if (!made.ok()) {
    impl_->plans.erase(*found);
    return std::move(made).error();
  }
  plan = std::make_shared<const StartPlan>(std::move(*made));
  return plan;
}

void BlueprintCatalog::hold() {
  if (!impl_->held) impl_->held.emplace();
}
void BlueprintCatalog::release() {
  impl_->held.reset();
}
bool BlueprintCatalog::held() const {
  return impl_->held.has_value();
}

}  // namespace tutti::agents
