// The snapshot of a blueprint in a session's row, and the schemas that it implies.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint.hpp"
#include "server/agents/blueprint_members.hpp"
#include "server/agents/start_plan.hpp"

namespace tutti::agents {
namespace {
constexpr std::int64_t kMost = INT64_MAX;

Json implicitPromptSchema() {
  Json prompt = Json::object({{"type", "string"}, {"minLength", 1}});
  return Json::object({{"type", "object"},
                       {"required", Json::array({"prompt"})},
                       {"properties", Json::object({{"prompt", std::move(prompt)}})},
                       {"additionalProperties", false}});
}

void readLimits(Members& members, Blueprint& blueprint) {
  blueprint.max_budget_usd = members.positiveNumber("max_budget_usd");
  blueprint.max_turns = members.integer("max_turns", {1, kMost});
  blueprint.timeout_s = members.integer("timeout_s", {0, kMost}).value_or(blueprint.timeout_s);
  blueprint.idle_max_s = members.integer("idle_max_s", {0, kMost}).value_or(blueprint.idle_max_s);
  blueprint.permission_timeout_s =
      members.integer("permission_timeout_s", {0, kMost}).value_or(blueprint.permission_timeout_s);
}

void readLists(Members& members, Blueprint& blueprint) {
  blueprint.command = members.texts("command");
  blueprint.tools = members.texts("tools");
  blueprint.allowed_tools = members.texts("allowed_tools");
  blueprint.disallowed_tools = members.texts("disallowed_tools");
  blueprint.add_dirs = members.texts("add_dirs");
  blueprint.env = members.texts("env");
  blueprint.tags = members.texts("tags");
  blueprint.skills = members.texts("skills");
  blueprint.capabilities = members.texts("capabilities");
  blueprint.aliases = members.texts("aliases");
  blueprint.examples = members.texts("examples");
}
}  // namespace

Json toJson(const Blueprint& b) {
  const bool procedural = b.type == BlueprintType::Procedural;
  Json out = Json::object({{"name", b.name},
                           {"description", b.description},
                           {"type", procedural ? "procedural" : "autonomous"},
                           {"driver", b.driver},
                           {"command", b.command},
                           {"folder", b.folder},
                           {"source", b.source},
                           {"system_prompt", b.system_prompt},
                           {"system_prompt_mode", b.system_prompt_mode},
                           {"parameters_schema", b.parameters_schema},
                           {"output_schema", b.output_schema},
                           {"mcp_servers", b.mcp_servers},
                           {"model", b.model},
                           {"permission_mode", b.permission_mode},
                           {"tools", b.tools},
                           {"allowed_tools", b.allowed_tools},
                           {"disallowed_tools", b.disallowed_tools},
                           {"add_dirs", b.add_dirs},
                           {"setting_sources", b.setting_sources},
                           {"timeout_s", b.timeout_s},
                           {"idle_max_s", b.idle_max_s},
                           {"permission_timeout_s", b.permission_timeout_s},
                           {"tutti_tools", b.tutti_tools},
                           {"routable", b.routable},
                           {"env", b.env},
                           {"tags", b.tags},
                           {"skills", b.skills},
                           {"capabilities", b.capabilities},
                           {"aliases", b.aliases},
                           {"examples", b.examples},
                           {"pack", b.pack},
                           {"active", b.active}});
  if (b.max_budget_usd) out["max_budget_usd"] = *b.max_budget_usd;
  if (b.max_turns) out["max_turns"] = *b.max_turns;
  return out;
}

Result<Blueprint> blueprintFromJson(const Json& json) {
  Members members(json);
  Blueprint blueprint;
  blueprint.name = members.requiredText("name");
  blueprint.description = members.text("description");
  if (members.text("type") == "procedural") blueprint.type = BlueprintType::Procedural;
  blueprint.driver = members.text("driver");
  blueprint.folder = members.text("folder");
  blueprint.source = members.text("source");
  blueprint.pack = members.text("pack");
  blueprint.system_prompt = members.text("system_prompt");
  blueprint.system_prompt_mode = members.text("system_prompt_mode");
  blueprint.parameters_schema = members.object("parameters_schema");
  blueprint.output_schema = members.object("output_schema");
  blueprint.mcp_servers = members.object("mcp_servers");
  blueprint.model = members.text("model");
  blueprint.permission_mode = members.text("permission_mode");
  blueprint.setting_sources = members.text("setting_sources");
  blueprint.tutti_tools = members.boolean("tutti_tools").value_or(true);
  blueprint.routable = members.boolean("routable").value_or(true);
  blueprint.active = members.boolean("active").value_or(true);
  readLists(members, blueprint);
  readLimits(members, blueprint);
  if (members.error()) return *members.error();
  return blueprint;
}

Json effectiveParametersSchema(const Blueprint& blueprint) {
  if (!blueprint.parameters_schema.is_null()) return blueprint.parameters_schema;
  if (blueprint.type == BlueprintType::Procedural) return Json::object({{"type", "object"}});
  return implicitPromptSchema();
}

Result<StartPlan> makeStartPlan(const Blueprint& blueprint) {
  json::SchemaOptions options;
  options.default_draft = json::Draft::k7;  // what AOF's blueprints are written in
  auto schema = json::Schema::compile(effectiveParametersSchema(blueprint), options);
  if (!schema.ok())
    return Error(Code::InvalidArgument,
                 "the parameters_schema of blueprint '" + blueprint.name +
                     "' is no JSON Schema: " + schema.error().message(),
                 "correct " + blueprint.source)
        .named("bad_blueprint");
  return StartPlan{blueprint, json::dump(toJson(blueprint)), std::move(*schema)};
}

}  // namespace tutti::agents
