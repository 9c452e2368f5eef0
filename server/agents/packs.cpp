#include "server/agents/packs.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>  // blueprint_files.hpp: a Blueprint holds JSON by value

#include "server/agents/blueprint_files.hpp"
#include "server/base/embedded.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
constexpr std::string_view kBlueprints = "blueprints/";
constexpr std::string_view kPacks = "blueprints/packs/";
}  // namespace

SourceFiles embeddedBlueprints(std::string_view pack) {
  std::string prefix(pack.empty() ? kBlueprints : kPacks);
  if (!pack.empty()) prefix += std::string(pack) + "/";
  SourceFiles files;
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with(prefix)) continue;
    if (pack.empty() && file.path.starts_with(kPacks)) continue;
    SourceFile& copy = files[std::string(file.path.substr(prefix.size()))];
    copy.content = file.content;
  }
  return files;
}

std::vector<std::string> shippedPacks() {
  std::vector<std::string> packs;
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with(kPacks)) continue;
    const std::string_view rest = file.path.substr(kPacks.size());
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (packs.empty() || packs.back() != name) packs.emplace_back(name);  // sorted by path
  }
  return packs;
}

Status checkPacks(const std::vector<std::string>& packs) {
  const std::vector<std::string> shipped = shippedPacks();
  for (const std::string& pack : packs)
    if (std::find(shipped.begin(), shipped.end(), pack) == shipped.end())
      return Error(Code::InvalidArgument, "unknown pack '" + shortened(pack, 60) + "'",
                   "the packs are " + joined(shipped))
          .named("unknown_pack");
  return ok();
}

std::vector<std::string> packsWithAgent(std::string_view name) {
  std::vector<std::string> packs;
  for (const std::string& pack : shippedPacks()) {
    const std::string path =
        std::string(kPacks) + pack + "/agents/" + std::string(name) + "/agent.json";
    for (const EmbeddedFile& file : embeddedFiles())
      if (file.path == path) packs.push_back(pack);
  }
  return packs;
}

}  // namespace tutti::agents
