#include "tools/route_gate.hpp"

#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::tools {
namespace {
constexpr std::size_t kGateReasonBytesMax = 4'000;
}

Json gateSchema() {
  Json properties = Json::object();
  properties["passed"] =
      Json::object({{"type", "boolean"}, {"description", "false stops it, and a person is asked"}});
  properties["reason"] =
      Json::object({{"type", "string"}, {"description", "What is in order, and what is not"}});
  return Json::object({{"type", "object"},
                       {"properties", std::move(properties)},
                       {"required", Json::array({"passed", "reason"})},
                       {"additionalProperties", false}});
}

std::string gateSnapshot(const std::string& snapshot) {
  Result<Json> blueprint = json::parse(snapshot);
  if (!blueprint.ok() || !blueprint->is_object()) return snapshot;
  const Json* own = json::find(*blueprint, "output_schema");
  const bool has_own = own != nullptr && !own->is_null();
  if (has_own || json::stringOr(*blueprint, "driver", "") == "process") return snapshot;
  (*blueprint)["output_schema"] = gateSchema();
  return json::dump(*blueprint);
}

std::optional<std::string> gateRefusal(std::string_view result_data) {
  const Result<Json> result = json::parse(result_data);
  if (!result.ok() || !result->is_object()) return std::nullopt;
  const Json* passed = json::find(*result, "passed");
  if (passed == nullptr) return std::nullopt;
  if (!passed->is_boolean())
    return "its \"passed\" is neither true nor false: " + shortened(json::dump(*passed), 200);
  if (passed->get<bool>()) return std::nullopt;
  const std::string reason = json::stringOr(*result, "reason", "");
  return reason.empty() ? "it gave no reason" : shortened(reason, kGateReasonBytesMax);
}

}  // namespace tutti::tools
