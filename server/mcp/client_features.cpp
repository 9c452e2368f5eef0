#include "server/mcp/client_features.hpp"

#include <array>
#include <string_view>

namespace tutti::mcp {
namespace {

struct Row {
  ClientFeature feature;
  Revision since;
  std::array<std::string_view, 2> path;  ///< of the object that declares it; may be one name
};

constexpr std::array kRows = {
    Row{ClientFeature::Sampling, Revision::k2024_11_05, {"sampling", {}}},
    Row{ClientFeature::SamplingTools, Revision::k2025_11_25, {"sampling", "tools"}},
    Row{ClientFeature::ElicitForm, Revision::k2025_06_18, {"elicitation", "form"}},
    Row{ClientFeature::ElicitUrl, Revision::k2025_11_25, {"elicitation", "url"}},
    Row{ClientFeature::Roots, Revision::k2024_11_05, {"roots", {}}},
    Row{ClientFeature::Tasks, Revision::k2026_07_28, {"extensions", kTasksExtension}},
};

const Row& rowOf(ClientFeature feature) {
  return kRows[static_cast<std::size_t>(feature)];
}

const Json* objectAt(const Json& parent, std::string_view key) {
  const Json* found = parent.is_object() ? json::find(parent, key) : nullptr;
  return found != nullptr && found->is_object() ? found : nullptr;
}

}  // namespace

bool declares(const Json& capabilities, ClientFeature feature, Revision revision) {
  const Row& row = rowOf(feature);
  if (revision < row.since) return false;
  const Json* outer = objectAt(capabilities, row.path[0]);
  if (outer == nullptr) return false;
  if (row.path[1].empty()) return true;
  if (objectAt(*outer, row.path[1]) != nullptr) return true;
  // `elicitation: {}` is how form mode was declared before there was another.
  return feature == ClientFeature::ElicitForm && objectAt(*outer, "url") == nullptr;
}

std::string capabilitiesFor(const std::vector<ClientFeature>& features) {
  Json capabilities = Json::object();
  for (const ClientFeature feature : features) {
    const Row& row = rowOf(feature);
    Json& outer = capabilities[std::string(row.path[0])];
    if (outer.is_null()) outer = Json::object();
    if (!row.path[1].empty()) outer[std::string(row.path[1])] = Json::object();
  }
  return json::dump(capabilities);
}

}  // namespace tutti::mcp
