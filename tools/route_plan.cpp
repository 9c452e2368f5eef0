#include "tools/route_plan.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace tutti::tools {
namespace {
using Kind = RouteStage::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 5> kKinds = {{
    {Kind::Work, "work"},
    {Kind::Gate, "gate"},
    {Kind::Step, "step"},
    {Kind::Research, "research"},
    {Kind::Join, "join"},
}};

std::string_view nameOfKind(Kind kind) {
  for (const auto& [value, word] : kKinds)
    if (value == kind) return word;
  return "work";
}

Kind kindFrom(std::string_view word) {
  for (const auto& [value, known] : kKinds)
    if (known == word) return value;
  return Kind::Work;
}

Json partJson(const RoutePart& part) {
  Json json = Json::object({{"agent", part.agent}, {"title", part.title}});
  if (!part.told.empty()) json["told"] = part.told;
  if (!part.others.empty()) json["others"] = part.others;
  return json;
}

Json stageListJson(const RoutePlan& plan) {
  Json stages = Json::array();
  for (const RouteStage& stage : plan.stages) {
    Json parts = Json::array();
    for (const RoutePart& part : stage.parts) parts.push_back(partJson(part));
    stages.push_back(Json::object({{"kind", nameOfKind(stage.kind)}, {"parts", std::move(parts)}}));
  }
  return stages;
}

std::vector<std::string> stringsOf(const Json& object, const char* key) {
  auto read = json::readStrings(object, key);
  return read.ok() && *read ? std::move(**read) : std::vector<std::string>();
}

RouteStage stageFrom(const Json& json) {
  RouteStage stage;
  stage.kind = kindFrom(json::stringOr(json, "kind", ""));
  const Json* parts = json::find(json, "parts");
  if (parts == nullptr || !parts->is_array()) return stage;
  for (const Json& one : *parts)
    stage.parts.push_back({json::stringOr(one, "agent", ""), json::stringOr(one, "title", ""),
                           json::stringOr(one, "told", ""), stringsOf(one, "others")});
  return stage;
}
}  // namespace

std::string toText(const RoutePlan& plan) {
  return json::dump(Json::object({{"stages", stageListJson(plan)},
                                  {"others", plan.others},
                                  {"blueprints", plan.blueprints},
                                  {"task", plan.task},
                                  {"project_dir", plan.project_dir},
                                  {"model", plan.model},
                                  {"parent_session_id", plan.parent_session_id},
                                  {"workflow", plan.workflow},
                                  {"rollback", plan.rollback}}));
}

RoutePlan planFrom(std::string_view text) {
  const auto parsed = json::parse(text);
  RoutePlan plan;
  if (!parsed.ok() || !parsed->is_object()) return plan;
  if (const Json* stages = json::find(*parsed, "stages"); stages != nullptr && stages->is_array())
    for (const Json& stage : *stages) plan.stages.push_back(stageFrom(stage));
  plan.others = stringsOf(*parsed, "others");
  if (const Json* kept = json::find(*parsed, "blueprints"); kept != nullptr && kept->is_object())
    for (const auto& [name, snapshot] : kept->items())
      if (snapshot.is_string()) plan.blueprints[name] = snapshot.get<std::string>();
  plan.task = json::stringOr(*parsed, "task", "");
  plan.project_dir = json::stringOr(*parsed, "project_dir", "");
  plan.model = json::stringOr(*parsed, "model", "");
  plan.parent_session_id = json::stringOr(*parsed, "parent_session_id", "");
  plan.workflow = json::stringOr(*parsed, "workflow", "");
  plan.rollback = json::booleanOr(*parsed, "rollback", false);
  return plan;
}

std::string outlineOf(const RoutePlan& plan) {
  RoutePlan outline;
  outline.stages = plan.stages;
  for (RouteStage& stage : outline.stages)
    for (RoutePart& part : stage.parts) {
      part.told.clear();
      part.others.clear();
    }
  return json::dump(Json::object({{"stages", stageListJson(outline)}}));
}

std::size_t partCount(const RoutePlan& plan) {
  std::size_t count = 0;
  for (const RouteStage& stage : plan.stages) count += stage.parts.size();
  return count;
}

const RoutePart* partOf(const RoutePlan& plan, const routing::Attempt& attempt) {
  const auto stage = static_cast<std::size_t>(attempt.stage);
  const auto part = static_cast<std::size_t>(attempt.part);
  if (stage >= plan.stages.size() || part >= plan.stages[stage].parts.size()) return nullptr;
  return &plan.stages[stage].parts[part];
}

RouteStage::Kind kindOf(const RoutePlan& plan, const routing::Attempt& attempt) {
  const auto stage = static_cast<std::size_t>(attempt.stage);
  return stage < plan.stages.size() ? plan.stages[stage].kind : Kind::Work;
}

std::map<std::int64_t, const routing::Attempt*> latestOf(
    const std::vector<routing::Attempt>& attempts, std::int64_t stage) {
  std::map<std::int64_t, const routing::Attempt*> latest;
  for (const routing::Attempt& one : attempts)  // oldest first
    if (one.stage == stage) latest[one.part] = &one;
  return latest;
}

Json stagesJson(const RoutePlan& plan, const std::vector<routing::Attempt>& attempts) {
  Json stages = Json::array();
  if (partCount(plan) < 2) return stages;
  for (std::size_t at = 0; at < plan.stages.size(); ++at) {
    const auto latest = latestOf(attempts, static_cast<std::int64_t>(at));
    Json parts = Json::array();
    for (std::size_t i = 0; i < plan.stages[at].parts.size(); ++i) {
      const RoutePart& part = plan.stages[at].parts[i];
      const auto found = latest.find(static_cast<std::int64_t>(i));
      Json told =
          Json::object({{"title", part.title}, {"agent", part.agent}, {"state", "waiting"}});
      if (found != latest.end()) {
        told["agent"] = found->second->agent;
        told["state"] = found->second->outcome;
        told["session_id"] = found->second->session_id;
      }
      parts.push_back(std::move(told));
    }
    stages.push_back(
        Json::object({{"kind", nameOfKind(plan.stages[at].kind)}, {"parts", std::move(parts)}}));
  }
  return stages;
}

}  // namespace tutti::tools
