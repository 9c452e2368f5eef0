#include "server/cli/sources.hpp"

#include <filesystem>
#include <set>
#include <string>

namespace tutti::cli {
namespace fs = std::filesystem;

agents::BlueprintCatalog::Options catalogOptions(const Settings& settings) {
  agents::BlueprintCatalog::Options options;
  for (const std::string& folder : settings.blueprints) options.folders.emplace_back(folder);
  if (!settings.assets.empty()) options.folders.push_back(fs::path(settings.assets) / "blueprints");
  std::error_code failed;
  const std::set<std::string> packs(settings.packs.begin(), settings.packs.end());
  for (const std::string& pack : packs) {
    options.packs.push_back(pack);
    const fs::path replaced = fs::path(settings.assets) / "blueprints" / "packs" / pack;
    if (!settings.assets.empty() && fs::is_directory(replaced, failed))
      options.folders.push_back(replaced);
  }
  options.claude_folders.push_back(fs::current_path(failed) / ".claude" / "agents");
  const std::string home = fromEnvironment("HOME");
  if (!home.empty()) options.claude_folders.push_back(fs::path(home) / ".claude" / "agents");
  return options;
}
SourceProblems sourceProblems(const Settings& settings) {
  const agents::BlueprintCatalog::Options sources = catalogOptions(settings);
  agents::BlueprintCatalog catalog(sources);
  routing::RuleBook rules({.folders = sources.folders, .packs = sources.packs});
  (void)rules.rules(catalog);
  return {catalog.problems(), rules.problems()};
}

}  // namespace tutti::cli
