#include "tools/skills.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_yaml.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"

namespace tutti::tools {
namespace {

constexpr const char* kMarkdownFile = "text/markdown";
constexpr const char* kJsonFile = "application/json";

Error badSkill(std::string_view name, std::string what) {
  return Error(Code::InvalidArgument, "skill '" + std::string(name) + "': " + std::move(what))
      .named("bad_skill");
}

const char* mimeTypeOf(std::string_view path) {
  if (path.ends_with(".md")) return kMarkdownFile;
  return path.ends_with(".json") ? kJsonFile : "text/plain";
}

/// The mapping between the two lines of dashes at the head of a SKILL.md.
Result<Json> frontmatterOf(std::string_view name, std::string_view content) {
  const auto parts = agents::splitFrontMatter(content);
  if (!parts.ok()) return badSkill(name, parts.error().message());
  auto head = agents::parseYamlMapping(parts->head);
  if (!head.ok()) return badSkill(name, head.error().message());
  return head;
}

/// A blueprint's name as skills spell theirs, or "": lower case, digits and single hyphens.
std::string skillName(std::string_view blueprint) {
  std::string name;
  for (const char c : blueprint) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char low = upper ? static_cast<char>(c + ('a' - 'A')) : c == '_' ? '-' : c;
    if (low == '-' && (name.empty() || name.back() == '-')) return {};
    name += low;
  }
  return name.empty() || name.back() == '-' ? std::string() : name;
}

std::string jsonBlock(const Json& value) {
  return "```json\n" + json::dumpPretty(value) + "\n```\n";
}

/// What to call start_agent with, as far as the schema tells.
Json exampleCall(const agents::Blueprint& blueprint) {
  Json call = Json::object({{"blueprint", blueprint.name}});
  const Json schema = agents::effectiveParametersSchema(blueprint);
  const Json* properties = json::find(schema, "properties");
  const bool prompts = properties != nullptr && properties->contains("prompt");
  if (prompts && properties->size() == 1) {
    call["prompt"] = "…";
    return call;
  }
  call["parameters"] = Json::object();
  const Json* required = json::find(schema, "required");
  for (const Json& name : required != nullptr ? *required : Json::array())
    call["parameters"][name.get<std::string>()] = "…";
  return call;
}

std::string instructionsOf(const agents::Blueprint& blueprint, const std::string& name) {
  std::string text = "---\nname: " + name + "\ndescription: ";
  appendJsonString(text, blueprint.description);  // a YAML string in double quotes is one of JSON
  text += "\n---\n# " + blueprint.name + "\n\n" + blueprint.description + "\n\n";
  text += "This is an agent. Start it with the tool `start_agent` of tutti:\n\n";
  text += jsonBlock(exampleCall(blueprint));
  text += "\nThen call `get_result` until `finished` is true.\n\n## Parameters\n\n";
  text += jsonBlock(agents::effectiveParametersSchema(blueprint));
  if (!blueprint.output_schema.is_null())
    text += "\n## Result\n\n`result_data` matches:\n\n" + jsonBlock(blueprint.output_schema);
  if (!blueprint.system_prompt.empty())
    text += "\nWhat the agent is told stands in `references/system-prompt.md`.\n";
  return text;
}

}  // namespace

Status addSkills(mcp::Server& server, const std::vector<TextFile>& files) {
  std::map<std::string, mcp::Skill> skills;
  for (const TextFile& file : files) {
    const std::size_t slash = file.path.find('/');
    if (slash == file.path.npos) continue;  // beside the skills, as a README is
    const std::string path = file.path.substr(slash + 1);
    skills[file.path.substr(0, slash)].files.push_back({path, mimeTypeOf(path), file.content});
  }
  for (auto& [name, skill] : skills) {
    const auto main = std::find_if(skill.files.begin(), skill.files.end(),
                                   [](const auto& file) { return file.path == "SKILL.md"; });
    if (main == skill.files.end()) return badSkill(name, "it has no SKILL.md");
    auto head = frontmatterOf(name, main->bytes);
    if (!head.ok()) return std::move(head).error();
    skill.uri = "skill://" + name + "/SKILL.md";
    skill.frontmatter = std::move(*head);
    if (Status added = server.addSkill(std::move(skill)); !added.ok()) return added;
  }
  return ok();
}

std::optional<mcp::Skill> skillOf(const agents::Blueprint& blueprint) {
  const std::string name = skillName(blueprint.name);
  if (name.empty() || blueprint.description.empty()) return std::nullopt;
  mcp::Skill skill;
  skill.uri = "skill://blueprints/" + name + "/SKILL.md";
  skill.frontmatter = Json::object({{"name", name}, {"description", blueprint.description}});
  skill.files.push_back({"SKILL.md", kMarkdownFile, instructionsOf(blueprint, name)});
  if (!blueprint.system_prompt.empty())
    skill.files.push_back({"references/system-prompt.md", kMarkdownFile, blueprint.system_prompt});
  return skill;
}

namespace {

/// Equal for equal skills.
std::string contentsOf(const mcp::Skill& skill) {
  std::string all = json::dump(skill.frontmatter);
  for (const auto& file : skill.files)
    all += "\n" + std::to_string(file.bytes.size()) + file.path + "\n" + file.bytes;
  return all;
}

}  // namespace

BlueprintSkills::BlueprintSkills(mcp::Server& server, agents::BlueprintCatalog& catalog)
    : server_(server), catalog_(catalog) {
  refresh();
  server_.beforeSkills([this] { refresh(); });
}

BlueprintSkills::~BlueprintSkills() {
  server_.beforeSkills(nullptr);
}

/// "a_b" and "a-b" are one name here: the first has it. The other can still be started.
std::map<std::string, mcp::Skill> BlueprintSkills::wanted() {
  std::map<std::string, mcp::Skill> skills;
  for (const agents::Blueprint& blueprint : catalog_.list()) {
    auto skill = blueprint.active ? skillOf(blueprint) : std::nullopt;
    if (!skill) continue;
    const std::string uri = skill->uri;
    if (!skills.emplace(uri, std::move(*skill)).second)
      log::warning("a blueprint is not served as a skill: another one has its name",
                   {{"blueprint", blueprint.name}, {"skill", uri}});
  }
  return skills;
}

void BlueprintSkills::refresh() {
  const std::uint64_t generation = catalog_.generation();
  if (std::exchange(generation_, generation) == generation) return;
  auto skills = wanted();
  std::vector<std::string> updated;
  bool changed = false;
  for (auto at = served_.begin(); at != served_.end();) {
    const auto found = skills.find(at->first);
    const bool same = found != skills.end() && contentsOf(found->second) == at->second;
    if (same) {
      skills.erase(found);
      ++at;
      continue;
    }
    changed = true;
    if (found != skills.end()) updated.push_back(at->first);
    server_.removeSkill(at->first);
    at = served_.erase(at);
  }
  for (auto& [uri, skill] : skills) {
    changed = true;
    std::string contents = contentsOf(skill);
    if (Status added = server_.addSkill(std::move(skill)); added.ok())
      served_.emplace(uri, std::move(contents));
    else
      log::warning("a blueprint is not served as a skill",
                   {{"skill", uri}, {"reason", added.error().message()}});
  }
  if (changed) server_.resourcesChanged();
  for (const std::string& uri : updated) server_.resourceUpdated(uri);
}

}  // namespace tutti::tools
