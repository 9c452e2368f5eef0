#include "tools/list_blueprints.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tutti::tools {
namespace {

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool matches(const agents::Blueprint& blueprint, const std::string& query) {
  if (query.empty()) return true;
  std::string all = blueprint.name + "\n" + blueprint.description;
  for (const auto* words : {&blueprint.tags, &blueprint.aliases, &blueprint.skills})
    for (const std::string& word : *words) all += "\n" + word;
  return lowered(std::move(all)).find(query) != std::string::npos;
}

bool hasAll(const std::vector<std::string>& tags, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& tag) {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
  });
}

Json line(const agents::Blueprint& blueprint, const runner::LaunchContext& launch) {
  const bool procedural = blueprint.type == agents::BlueprintType::Procedural;
  Json entry = Json::object({{"name", blueprint.name},
                             {"description", blueprint.description},
                             {"type", procedural ? "procedural" : "autonomous"},
                             {"driver", blueprint.driver},
                             {"tags", blueprint.tags},
                             {"source", blueprint.source},
                             {"parameters_schema", agents::effectiveParametersSchema(blueprint)}});
  if (!blueprint.aliases.empty()) entry["aliases"] = blueprint.aliases;
  if (!blueprint.skills.empty()) entry["skills"] = blueprint.skills;
  if (!blueprint.pack.empty()) entry["pack"] = blueprint.pack;
  if (!blueprint.output_schema.is_null()) entry["output_schema"] = blueprint.output_schema;
  if (!blueprint.model.empty()) entry["model"] = blueprint.model;
  const auto command = runner::resolveCommand(blueprint, launch);
  entry["available"] = command.ok();
  if (!command.ok()) entry["unavailable_reason"] = command.error().text();
  return entry;
}

}  // namespace

Json ListBlueprints::run(const Context& context, const Input& input) {
  const std::string query = lowered(input.query);
  Json blueprints = Json::array();
  for (const agents::Blueprint& blueprint : context.catalog.list())
    if (blueprint.active && matches(blueprint, query) && hasAll(blueprint.tags, input.tags))
      blueprints.push_back(line(blueprint, context.supervisor.launchContext()));
  Json problems = Json::array();
  for (const agents::BlueprintProblem& problem : context.catalog.problems())
    problems.push_back(Json::object({{"source", problem.source}, {"message", problem.message}}));
  return Json::object({{"blueprints", std::move(blueprints)}, {"problems", std::move(problems)}});
}

void ListBlueprints::handle(const Context& context, const CallPtr& call) {
  Input input;
  input.query = json::stringOr(call->arguments(), "query", "");
  auto tags = json::readStrings(call->arguments(), "tags");
  if (tags.ok() && *tags) input.tags = std::move(**tags);
  call->finish(mcp::ToolOutput{run(context, input), {}});
}

}  // namespace tutti::tools
