// agents/<name>/ in AOF's layout: agent.json with our further members, its system prompt, its
// servers.
//
// Placeholders (${params.X}, ${scope.X}, ${env.X}, ${runtime.X}) are left as they are: what they
// stand for is known only when a session starts.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_files.hpp"
#include "server/agents/blueprint_members.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kTurnsMax = 1'000'000;
constexpr std::string_view kTypes[] = {"autonomous", "procedural"};
constexpr std::string_view kDrivers[] = {"claude", "process"};
constexpr std::string_view kPromptModes[] = {"append", "replace"};
constexpr std::string_view kSettingSources[] = {"user", "project", "local"};

/// AOF's members first, then ours. `demands` and `hooks` are AOF's and have no effect here.
constexpr std::string_view kMembers[] = {"name",
                                         "description",
                                         "type",
                                         "script",
                                         "tags",
                                         "skills",
                                         "capabilities",
                                         "aliases",
                                         "examples",
                                         "parameters_schema",
                                         "output_schema",
                                         "demands",
                                         "hooks",
                                         "driver",
                                         "command",
                                         "model",
                                         "tools",
                                         "allowed_tools",
                                         "add_dirs",
                                         "setting_sources",
                                         "max_turns",
                                         "disallowed_tools",
                                         "timeout_s",
                                         "idle_max_s",
                                         "env",
                                         "permission_mode",
                                         "tutti_tools",
                                         "routable",
                                         "max_budget_usd",
                                         "permission_timeout_s",
                                         "system_prompt_mode",
                                         "$schema"};

/// AOF ignores members it does not know, so foreign ones may stand; one that looks like a known one
/// is a slip that would silently change what an agent may do.
void refuseMisspelt(const Json& object, Members& members) {
  const std::vector<std::string> known(std::begin(kMembers), std::end(kMembers));
  for (const auto& [key, value] : object.items()) {
    if (key.starts_with("x-") || std::find(known.begin(), known.end(), key) != known.end())
      continue;
    const std::vector<std::string> near = nearestNames(key, known, 1);
    if (!near.empty())
      members.refuse("unknown member '" + shortened(key, 60) + "'",
                     "did you mean '" + near[0] + "'? A member of your own begins with \"x-\"");
  }
}

/// Claude Code's comma list, or AOF's array. Both become the comma list.
std::string settingSources(const Json& object, Members& members) {
  const Json* value = json::find(object, "setting_sources");
  if (value == nullptr) return {};
  std::vector<std::string> words;
  if (value->is_string()) {
    std::string rest = members.text("setting_sources");
    for (std::size_t comma = 0; comma != std::string::npos;) {
      comma = rest.find(',');
      words.push_back(rest.substr(0, comma));
      rest.erase(0, comma == std::string::npos ? comma : comma + 1);
    }
  } else {
    words = members.texts("setting_sources");
  }
  std::string list;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    if (std::find(std::begin(kSettingSources), std::end(kSettingSources), word) ==
        std::end(kSettingSources))
      members.refuse("'setting_sources' has '" + shortened(word, 60) + "'",
                     "use user, project and local");
    list += (list.empty() ? "" : ",") + word;
  }
  return list;
}

/// An empty list means "none at all", which Claude Code spells as one empty word; absent means all.
std::vector<std::string> toolNames(Members& members) {
  std::vector<std::string> tools = members.texts("tools");
  if (tools.empty() && members.has("tools")) tools.emplace_back();
  return tools;
}

void checkEnvironmentNames(const Blueprint& blueprint, Members& members) {
  for (const std::string& name : blueprint.env) {
    const bool usable = !name.empty() && name.find('=') == std::string::npos &&
                        name.find('\0') == std::string::npos;
    if (!usable)
      members.refuse("'env' has '" + shortened(name, 60) + "'",
                     "name variables only, without '=' and value");
  }
}

void readOwnMembers(const Json& object, Members& members, Blueprint& blueprint) {
  blueprint.driver = members.word("driver", kDrivers);
  blueprint.command = members.texts("command");
  blueprint.model = members.text("model");
  blueprint.permission_mode = members.word("permission_mode", permissionModes());
  blueprint.tools = toolNames(members);
  blueprint.allowed_tools = members.texts("allowed_tools");
  blueprint.disallowed_tools = members.texts("disallowed_tools");
  blueprint.add_dirs = members.texts("add_dirs");
  blueprint.env = members.texts("env");
  blueprint.setting_sources = settingSources(object, members);
  blueprint.max_budget_usd = members.positiveNumber("max_budget_usd");
  blueprint.max_turns = members.integer("max_turns", {1, kTurnsMax});
  blueprint.timeout_s = members.integer("timeout_s", {0, 30 * kDayS}).value_or(0);
  blueprint.idle_max_s =
      members.integer("idle_max_s", {0, 30 * kDayS}).value_or(blueprint.idle_max_s);
  blueprint.permission_timeout_s =
      members.integer("permission_timeout_s", {0, kDayS}).value_or(blueprint.permission_timeout_s);
  blueprint.tutti_tools = members.boolean("tutti_tools").value_or(true);
  blueprint.routable = members.boolean("routable").value_or(true);
  if (const std::string mode = members.word("system_prompt_mode", kPromptModes); !mode.empty())
    blueprint.system_prompt_mode = mode;
  checkEnvironmentNames(blueprint, members);
}

/// Which driver runs it, and that nothing is stated that this driver would not heed.
void settleDriver(Members& members, Blueprint& blueprint) {
  const bool procedural = blueprint.type == BlueprintType::Procedural;
  const std::string fitting = procedural ? "process" : "claude";
  if (blueprint.driver.empty()) blueprint.driver = fitting;
  if (blueprint.driver != fitting)
    members.refuse("driver '" + blueprint.driver + "' does not run " +
                       (procedural ? "a procedural agent" : "an autonomous agent"),
                   "leave \"driver\" out, or correct \"type\"");
  const bool has_program = members.has("script") || !blueprint.command.empty();
  if (procedural && !has_program)
    members.refuse("a procedural agent needs \"command\" or \"script\"",
                   "give \"command\" as an array of the program and its first arguments");
  if (procedural && members.has("script") && !blueprint.command.empty())
    members.refuse("both \"command\" and \"script\" are given", "keep one of them");
  if (!procedural && has_program)
    members.refuse("an autonomous agent has no \"command\" and no \"script\"",
                   "add \"type\": \"procedural\" if a program does the work");
}

void checkCommand(const SourceTree& tree, Members& members, const Blueprint& blueprint) {
  if (blueprint.command.empty()) return;
  const std::string& program = blueprint.command[0];
  if (program.empty()) members.refuse("'command' begins with an empty word");
  if (program.find('/') == std::string::npos || program.starts_with('/')) return;
  const std::filesystem::path path(program);
  if (std::find(path.begin(), path.end(), "..") != path.end())
    members.refuse(
        "'command' begins with '" + shortened(program, 80) + "', which leaves the folder",
        "put the program into the agent's folder, or give its absolute path");
  if (tree.root.empty())
    members.refuse("an embedded agent has no folder to find '" + shortened(program, 80) + "' in");
}

/// What it is found by besides its name.
void checkFinding(Members& members, const Blueprint& blueprint) {
  for (const std::string& alias : blueprint.aliases)
    if (Status named = checkBlueprintName("alias", alias); !named.ok())
      members.refuse(std::move(named).error());
  for (const std::string& example : blueprint.examples)
    if (example.empty())
      members.refuse("'examples' has an empty text", "write a request, or leave it out");
}

Result<Blueprint> readMembers(const SourceTree& tree, const Json& object) {
  Members members(object);
  Blueprint blueprint;
  blueprint.name = members.requiredText("name");
  blueprint.description = members.requiredText("description");
  if (members.word("type", kTypes) == "procedural") blueprint.type = BlueprintType::Procedural;
  blueprint.tags = members.texts("tags");
  blueprint.skills = members.texts("skills");
  blueprint.capabilities = members.texts("capabilities");
  blueprint.aliases = members.texts("aliases");
  blueprint.examples = members.texts("examples");
  blueprint.parameters_schema = members.object("parameters_schema");
  blueprint.output_schema = members.object("output_schema");
  members.text("script");
  readOwnMembers(object, members, blueprint);
  settleDriver(members, blueprint);
  checkCommand(tree, members, blueprint);
  if (Status named = checkBlueprintName("agent name", blueprint.name); !named.ok())
    members.refuse(std::move(named).error());
  checkFinding(members, blueprint);
  refuseMisspelt(object, members);
  if (members.error()) return *members.error();
  return blueprint;
}

/// The content of an optional companion file; absent is "".
Result<std::string> companion(const SourceTree& tree, const std::string& path) {
  const auto found = tree.files.find(path);
  if (found == tree.files.end()) return std::string();
  Result<std::string> text = textOf(found->second);
  if (text.ok()) return text;
  return wrong(path + ": " + text.error().message(), text.error().hint());
}

Status addSystemPrompt(const SourceTree& tree, const std::string& folder, Blueprint& blueprint) {
  Result<std::string> prompt = companion(tree, folder + "/agent.system-prompt.md");
  if (!prompt.ok()) return std::move(prompt).error();
  blueprint.system_prompt = std::move(*prompt);
  return ok();
}

Status addServers(const SourceTree& tree, const std::string& folder, const Json& object,
                  Blueprint& blueprint) {
  const std::string path = folder + "/agent.mcp.json";
  const auto found = tree.files.find(path);
  if (found == tree.files.end()) return ok();
  Result<Json> document = objectOf(found->second);
  if (!document.ok()) return wrong(path + ": " + document.error().text());
  Result<McpServers> servers = readMcpServers(tree, *document);
  if (!servers.ok()) return wrong(path + ": " + servers.error().message(), servers.error().hint());
  if (servers->wants_orchestrator && json::find(object, "tutti_tools") == nullptr)
    blueprint.tutti_tools = true;
  return addMcpServers(blueprint, servers->servers, path);
}

/// The script's schema supersedes the agent's own, as in AOF.
Status addScript(const SourceTree& tree, const Json& object, Blueprint& blueprint) {
  const std::string name = json::stringOr(object, "script", "");
  if (name.empty()) return ok();
  Result<Script> script = readScript(tree, name);
  if (!script.ok()) return std::move(script).error();
  blueprint.command = std::move(script->command);
  if (!script->parameters_schema.is_null())
    blueprint.parameters_schema = std::move(script->parameters_schema);
  return ok();
}

Result<Blueprint> readAgent(const SourceTree& tree, const std::string& folder) {
  const SourceFile& file = tree.files.find(folder + "/agent.json")->second;
  Result<Json> object = objectOf(file);
  if (!object.ok()) return std::move(object).error();
  Result<Blueprint> blueprint = readMembers(tree, *object);
  if (!blueprint.ok()) return blueprint;
  if (!tree.root.empty()) blueprint->folder = (tree.root / folder).string();
  blueprint->active = !tree.files.contains(folder + "/.disabled");
  for (Status step :
       {addSystemPrompt(tree, folder, *blueprint), addServers(tree, folder, *object, *blueprint),
        addScript(tree, *object, *blueprint)})
    if (!step.ok()) return std::move(step).error();
  if (Status added = addCapabilities(tree, *blueprint); !added.ok())
    return std::move(added).error();
  if (Status checked = checkSchemas(*blueprint); !checked.ok()) return std::move(checked).error();
  return blueprint;
}
}  // namespace

std::vector<ParsedBlueprint> readAofTree(const SourceTree& tree) {
  constexpr std::string_view kPrefix = "agents/";
  constexpr std::string_view kSuffix = "/agent.json";
  std::vector<ParsedBlueprint> parsed;
  for (auto at = tree.files.lower_bound(kPrefix); at != tree.files.end(); ++at) {
    const std::string& path = at->first;
    if (!path.starts_with(kPrefix)) break;
    if (!path.ends_with(kSuffix)) continue;
    const std::string folder = path.substr(0, path.size() - kSuffix.size());
    Result<Blueprint> blueprint = readAgent(tree, folder);
    std::string source = describe(tree, path);
    if (blueprint.ok()) {
      blueprint->source = source;
      blueprint->pack = tree.pack;
    }
    parsed.push_back({folder.substr(kPrefix.size()), std::move(source), std::move(blueprint)});
  }
  return parsed;
}

std::string describe(const SourceTree& tree, std::string_view path) {
  if (tree.root.empty())
    return "embedded:blueprints/" + (tree.pack.empty() ? "" : "packs/" + tree.pack + "/") +
           std::string(path);
  return (tree.root / path).string();
}

Result<std::string> textOf(const SourceFile& file) {
  if (!file.problem.empty()) return wrong(file.problem);
  if (!isValidUtf8(file.content)) return wrong("the file is not UTF-8", "save it as UTF-8");
  std::string_view text = file.content;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return std::string(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

Result<Json> objectOf(const SourceFile& file) {
  Result<std::string> text = textOf(file);
  if (!text.ok()) return std::move(text).error();
  Result<Json> value = json::parse(*text);
  if (value.ok() && !value->is_object()) return wrong("the file must hold one JSON object");
  return value;
}

}  // namespace tutti::agents
