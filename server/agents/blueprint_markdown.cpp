// Claude Code's agents: a Markdown file each, with YAML front matter; its body is the system
// prompt.
//
// Heeded: name, description, tools, disallowedTools, model, permissionMode, maxTurns and those
// mcpServers that state a server themselves. Others are Claude Code's own and are ignored, a server
// named only by its name too: it comes from the user's settings, which the agent has anyway.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_files.hpp"
#include "server/agents/blueprint_members.hpp"
#include "server/agents/blueprint_yaml.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

/// "Read, Bash(git log, git show), Edit": commas inside parentheses do not separate.
std::vector<std::string> splitTools(std::string_view list) {
  std::vector<std::string> tools;
  std::string word;
  int depth = 0;
  for (const char c : list) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c != ',' || depth > 0) {
      word.push_back(c);
      continue;
    }
    tools.push_back(trimmed(word));
    word.clear();
  }
  tools.push_back(trimmed(word));
  std::erase_if(tools, [](const std::string& tool) { return tool.empty(); });
  return tools;
}

/// A list or a comma string. "*" is everything, which is what an absent member says.
std::vector<std::string> toolsOf(const Json& front, std::string_view key, Members& members) {
  const auto found = front.find(key);
  if (found == front.end()) return {};
  std::vector<std::string> tools;
  if (found->is_string())
    tools = splitTools(members.text(key));
  else if (!found->is_null())
    tools = members.texts(key);
  if (tools.size() == 1 && tools[0] == "*") tools.clear();
  return tools;
}

/// Present but empty means that no tool is left to it; Claude Code spells that as one empty word.
std::vector<std::string> availableTools(const Json& front, Members& members) {
  std::vector<std::string> tools = toolsOf(front, "tools", members);
  const auto found = front.find("tools");
  const bool states_none = found != front.end() && !found->is_null() && !members.error() &&
                           (*found == Json("") || *found == Json::array());
  if (states_none) tools.emplace_back();
  return tools;
}

std::optional<std::int64_t> turnsOf(Members& members) {
  const std::string text = members.text("maxTurns");
  if (text.empty()) return std::nullopt;
  std::int64_t turns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), turns);
  if (error != std::errc() || end != text.data() + text.size() || turns < 1)
    members.refuse("'maxTurns' is '" + shortened(text, 40) + "'", "give a number from 1");
  return turns;
}

/// A mapping of servers, or a list of names and of mappings.
void readServers(const Json& front, Members& members, Blueprint& blueprint) {
  const Json* stated = json::find(front, "mcpServers");
  if (stated == nullptr || stated->is_string()) return;
  Json list = Json::array();
  if (stated->is_array())
    list = *stated;
  else
    list.push_back(*stated);
  for (const Json& group : list) {
    if (!group.is_object()) continue;
    for (const auto& [name, entry] : group.items()) {
      if (!entry.is_object()) continue;
      Result<Json> server = readMcpEntry(name, entry);
      if (!server.ok()) return members.refuse(std::move(server).error());
      Json one = Json::object();
      one[name] = std::move(*server);
      Status added = addMcpServers(blueprint, one, "mcpServers");
      if (!added.ok()) return members.refuse(std::move(added).error());
    }
  }
}

Result<Blueprint> readAgent(const SourceFile& file) {
  Result<std::string> text = textOf(file);
  if (!text.ok()) return std::move(text).error();
  text->push_back('\n');  // a last line of dashes needs one too
  Result<FrontMatter> parts = splitFrontMatter(*text);
  if (!parts.ok()) return std::move(parts).error();
  Result<Json> front = parseYamlMapping(parts->head);
  if (!front.ok()) return std::move(front).error();

  Members members(*front);
  Blueprint blueprint;
  blueprint.name = members.requiredText("name");
  blueprint.description = trimmed(members.requiredText("description"));
  blueprint.driver = "claude";
  blueprint.system_prompt = trimmed(parts->body);
  blueprint.tools = availableTools(*front, members);
  blueprint.disallowed_tools = toolsOf(*front, "disallowedTools", members);
  blueprint.permission_mode = members.word("permissionMode", permissionModes());
  blueprint.max_turns = turnsOf(members);
  if (std::string model = members.text("model"); model != "inherit")
    blueprint.model = std::move(model);
  readServers(*front, members, blueprint);
  if (Status named = checkBlueprintName("agent name", blueprint.name); !named.ok())
    members.refuse(std::move(named).error());
  if (members.error()) return *members.error();
  return blueprint;
}
}  // namespace

std::vector<ParsedBlueprint> readClaudeTree(const SourceTree& tree) {
  constexpr std::size_t kSuffixSize = 3;  // ".md"
  std::vector<ParsedBlueprint> parsed;
  for (const auto& [path, file] : tree.files) {
    Result<Blueprint> blueprint = readAgent(file);
    std::string source = describe(tree, path);
    if (blueprint.ok()) blueprint->source = source;
    std::string name = path.substr(path.rfind('/') + 1);
    name.resize(name.size() - kSuffixSize);
    parsed.push_back({std::move(name), std::move(source), std::move(blueprint)});
  }
  return parsed;
}

}  // namespace tutti::agents
