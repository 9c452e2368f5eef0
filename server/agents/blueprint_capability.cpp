// capabilities/ and scripts/ of AOF's layout.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_files.hpp"
#include "server/agents/blueprint_members.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
constexpr std::string_view kSeparator = "\n\n---\n\n";

/// Names in scripts/ and capabilities/, for "did you mean".
std::vector<std::string> namesBelow(const SourceTree& tree, const std::string& group,
                                    const std::string& file) {
  std::vector<std::string> names;
  for (auto at = tree.files.lower_bound(group); at != tree.files.end(); ++at) {
    if (!at->first.starts_with(group)) break;
    if (!at->first.ends_with(file)) continue;
    names.push_back(at->first.substr(group.size(), at->first.size() - group.size() - file.size()));
  }
  return names;
}

Error unknown(const std::string& what, const std::string& name, std::vector<std::string> known) {
  const std::vector<std::string> near = nearestNames(name, known);
  std::string hint = "create it";
  if (!near.empty()) hint = "did you mean " + joined(near) + "?";
  return wrong("unknown " + what + " '" + shortened(name, 80) + "'", std::move(hint));
}

/// The command of a program that has a "#!" line but no right to be executed: what the kernel would
/// run if it had. AOF's scripts come out of archives without that right.
std::vector<std::string> commandOf(const SourceFile& program, const std::string& path) {
  if (program.executable || !program.content.starts_with("#!")) return {path};
  std::string_view line = program.content;
  line = line.substr(2, line.find('\n') - 2);
  const auto trimmed = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return std::string_view();
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
  };
  line = trimmed(line);
  const std::size_t space = line.find_first_of(" \t");
  std::vector<std::string> command = {std::string(line.substr(0, space))};
  if (space != std::string_view::npos) command.emplace_back(trimmed(line.substr(space)));
  command.push_back(path);
  return command;
}

Result<std::vector<std::string>> scriptCommand(const SourceTree& tree, const std::string& folder,
                                               const std::string& file_name) {
  if (file_name.find('/') != std::string::npos || file_name == ".." || file_name == ".")
    return wrong("'script_file' is '" + shortened(file_name, 80) + "'",
                 "name a file that stands beside script.json");
  const std::string path = folder + "/" + file_name;
  const auto program = tree.files.find(path);
  if (program == tree.files.end()) return wrong("script file '" + path + "' does not exist");
  if (!program->second.problem.empty()) return wrong(path + ": " + program->second.problem);
  if (tree.root.empty()) return wrong("an embedded script cannot be run");
  if (!program->second.executable && !program->second.content.starts_with("#!"))
    return wrong("script file '" + path + "' cannot be run",
                 "make it executable (chmod +x) or begin it with a #! line");
  return commandOf(program->second, (tree.root / path).string());
}

/// "<a|b>", "<N>", "<value1,value2,...>" or "<value>": AOF's placeholders.
std::string placeholder(const Json& property) {
  if (const Json* words = json::find(property, "enum"); words != nullptr && words->is_array()) {
    std::string list;
    for (const Json& word : *words)
      list += (list.empty() ? "" : "|") +
              (word.is_string() ? word.get<std::string>() : json::dump(word));
    return "<" + list + ">";
  }
  const std::string type = json::stringOr(property, "type", "");
  if (type == "integer" || type == "number") return "<N>";
  return type == "array" ? "<value1,value2,...>" : "<value>";
}

struct Argument {
  std::string call;  ///< "--top <N>"
  std::string line;  ///< of the list below the call
  bool required = false;
};

std::vector<Argument> argumentsOf(const Json& schema) {
  std::vector<Argument> arguments;
  const Json* properties = json::find(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return arguments;
  const std::vector<std::string> required =
      json::readStrings(schema, "required").ok()
          ? json::readStrings(schema, "required")->value_or(std::vector<std::string>())
          : std::vector<std::string>();
  for (const auto& [name, property] : properties->items()) {
    Argument argument;
    argument.required = std::find(required.begin(), required.end(), name) != required.end();
    argument.call = "--" + name;
    if (json::stringOr(property, "type", "") != "boolean")
      argument.call += " " + placeholder(property);
    argument.line = "- `" + argument.call + "`" + (argument.required ? " (required)" : "");
    if (const std::string text = json::stringOr(property, "description", ""); !text.empty())
      argument.line += ": " + text;
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

struct Capability {
  std::string text;
  Json servers;  ///< or null
};

Result<Capability> readCapability(const SourceTree& tree, const std::string& name) {
  const std::string folder = "capabilities/" + name;
  const auto file = tree.files.find(folder + "/capability.json");
  if (!isBlueprintName(name) || file == tree.files.end())
    return unknown("capability", name, namesBelow(tree, "capabilities/", "/capability.json"));
  Result<Json> object = objectOf(file->second);
  if (!object.ok()) return wrong(file->first + ": " + object.error().text());
  Capability capability;
  if (const auto text = tree.files.find(folder + "/capability.text.md"); text != tree.files.end()) {
    Result<std::string> content = textOf(text->second);
    if (!content.ok()) return wrong(text->first + ": " + content.error().text());
    capability.text = std::move(*content);
  }
  if (const std::string script = json::stringOr(*object, "script", ""); !script.empty()) {
    Result<Script> found = readScript(tree, script);
    if (!found.ok()) return std::move(found).error();
    capability.text += (capability.text.empty() ? "" : kSeparator);
    capability.text += scriptUsage(*found);
  }
  if (const auto mcp = tree.files.find(folder + "/capability.mcp.json"); mcp != tree.files.end()) {
    Result<Json> document = objectOf(mcp->second);
    if (!document.ok()) return wrong(mcp->first + ": " + document.error().text());
    Result<McpServers> servers = readMcpServers(tree, *document);
    if (!servers.ok()) return wrong(mcp->first + ": " + servers.error().text());
    capability.servers = std::move(servers->servers);
  }
  return capability;
}
}  // namespace

Result<Script> readScript(const SourceTree& tree, const std::string& name) {
  const std::string folder = "scripts/" + name;
  const auto file = tree.files.find(folder + "/script.json");
  if (!isBlueprintName(name) || file == tree.files.end())
    return unknown("script", name, namesBelow(tree, "scripts/", "/script.json"));
  Result<Json> object = objectOf(file->second);
  if (!object.ok()) return wrong(file->first + ": " + object.error().text());
  Members members(*object);
  Script script;
  script.name = members.requiredText("name");
  script.description = members.requiredText("description");
  const std::string file_name = members.requiredText("script_file");
  script.parameters_schema = members.object("parameters_schema");
  if (members.error())
    return wrong(file->first + ": " + members.error()->message(), members.error()->hint());
  Result<std::vector<std::string>> command = scriptCommand(tree, folder, file_name);
  if (!command.ok()) return std::move(command).error();
  script.command = std::move(*command);
  return script;
}

std::string scriptUsage(const Script& script) {
  const std::vector<Argument> arguments = argumentsOf(script.parameters_schema);
  std::string call;
  for (const std::string& word : script.command) call += (call.empty() ? "" : " ") + word;
  for (const Argument& argument : arguments)
    call += argument.required ? " " + argument.call : " [" + argument.call + "]";
  std::string usage = "## Local Script: " + script.name + "\n\n**Description:** " +
                      script.description + "\n\n```bash\n" + call + "\n```";
  if (arguments.empty()) return usage;
  usage += "\n\n**Arguments:**\n";
  for (const Argument& argument : arguments) usage += "\n" + argument.line;
  return usage;
}

Status addCapabilities(const SourceTree& tree, Blueprint& blueprint) {
  for (const std::string& name : blueprint.capabilities) {
    Result<Capability> capability = readCapability(tree, name);
    if (!capability.ok()) return std::move(capability).error();
    if (!capability->text.empty()) {
      if (!blueprint.system_prompt.empty()) blueprint.system_prompt += kSeparator;
      blueprint.system_prompt += capability->text;
    }
    const std::string origin = "capability '" + name + "'";
    if (Status added = addMcpServers(blueprint, capability->servers, origin); !added.ok())
      return added;
  }
  return ok();
}

}  // namespace tutti::agents
