// The MCP servers of an agent: stated in its own file, or referred to in the registry mcp-servers/.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_files.hpp"
#include "server/agents/blueprint_members.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace {
constexpr std::size_t kServersMax = 100;

/// Where AOF's runner put its own tools. Ours are given to an agent by `tutti_tools`.
constexpr std::string_view kOrchestratorUrl = "${runner.orchestrator_mcp_url}";

Status checkStrings(const std::string& name, const Json& entry, std::string_view key) {
  const Json* values = json::find(entry, key);
  if (values == nullptr) return ok();
  const bool all =
      values->is_object() && std::all_of(values->begin(), values->end(),
                                         [](const Json& value) { return value.is_string(); });
  if (all) return ok();
  return wrong("server '" + name + "': '" + std::string(key) + "' must be an object of strings");
}

Result<Json> programEntry(const std::string& name, const Json& entry) {
  Members members(entry);
  const std::string type = members.text("type");
  members.requiredText("command");
  members.texts("args");
  if (!type.empty() && type != "stdio")
    members.refuse("'type' is '" + shortened(type, 40) + "' beside a \"command\"",
                   "leave it out or use stdio");
  if (members.error())
    return wrong("server '" + name + "': " + members.error()->message(), members.error()->hint());
  if (Status env = checkStrings(name, entry, "env"); !env.ok()) return std::move(env).error();
  return entry;
}

Result<Json> urlEntry(const std::string& name, const Json& entry) {
  Members members(entry);
  std::string type = members.text("type");
  const std::string url = members.requiredText("url");
  if (type.empty() || type == "streamable-http") type = "http";
  if (type != "http" && type != "sse" && type != "ws")
    members.refuse("'type' is '" + shortened(type, 40) + "'", "use http or sse");
  const bool absolute = url.starts_with("http://") || url.starts_with("https://") ||
                        url.starts_with("ws://") || url.starts_with("wss://") ||
                        url.starts_with("${");
  if (!url.empty() && !absolute)
    members.refuse("'url' is '" + shortened(url, 80) + "'", "begin it with http:// or https://");
  if (members.error())
    return wrong("server '" + name + "': " + members.error()->message(), members.error()->hint());
  if (Status headers = checkStrings(name, entry, "headers"); !headers.ok())
    return std::move(headers).error();
  Json resolved(entry);
  resolved["type"] = type;
  return resolved;
}

/// Default and given configuration as headers: AOF's registry knows HTTP servers only.
Result<Json> headersOf(const std::string& id, const Json& registered, const Json& entry) {
  Json merged = Json::object();
  for (const Json* part : {json::find(registered, "default_config"), json::find(entry, "config")}) {
    if (part == nullptr) continue;
    if (!part->is_object())
      return wrong("the configuration of server '" + id + "' must be an object");
    for (const auto& [key, value] : part->items())
      if (!value.is_null()) merged[key] = value.is_string() ? value : Json(json::dump(value));
  }
  const Json* fields = json::find(registered, "config_schema");
  if (fields == nullptr || !fields->is_object()) return merged;
  for (const auto& [key, field] : fields->items()) {
    if (!merged.contains(key) && json::find(field, "default") != nullptr)
      merged[key] =
          field["default"].is_string() ? field["default"] : Json(json::dump(field["default"]));
    if (json::booleanOr(field, "required", false) && !merged.contains(key))
      return wrong("server '" + id + "' needs '" + key + "'",
                   "give it in \"config\" beside the \"ref\"");
  }
  return merged;
}

std::vector<std::string> registeredIds(const SourceTree& tree) {
  constexpr std::string_view kPrefix = "mcp-servers/";
  std::vector<std::string> ids;
  for (auto at = tree.files.lower_bound(kPrefix); at != tree.files.end(); ++at) {
    if (!at->first.starts_with(kPrefix)) break;
    const std::string rest = at->first.substr(kPrefix.size());
    ids.push_back(rest.substr(0, rest.find('/')));
  }
  return ids;
}

struct Referred {
  Json entry;
  bool orchestrator = false;
};

Result<Referred> referred(const SourceTree& tree, const std::string& name, const Json& entry) {
  Members members(entry);
  const std::string id = members.requiredText("ref");
  if (members.error()) return wrong("server '" + name + "': " + members.error()->message());
  const std::string path = "mcp-servers/" + id + "/mcp-server.json";
  const auto file = tree.files.find(path);
  if (!isBlueprintName(id) || file == tree.files.end()) {
    // AOF ships this entry, so its agents name it; here it needs no file.
    if (id == "orchestrator") return Referred{Json(), true};
    const std::vector<std::string> near = nearestNames(id, registeredIds(tree));
    return wrong(
        "server '" + name + "' refers to '" + shortened(id, 60) + "', which is not in mcp-servers/",
        near.empty() ? "add mcp-servers/" + shortened(id, 60) + "/mcp-server.json"
                     : "did you mean " + joined(near) + "?");
  }
  Result<Json> registered = objectOf(file->second);
  if (!registered.ok()) return wrong(path + ": " + registered.error().text());
  const std::string url = json::stringOr(*registered, "url", "");
  if (url == kOrchestratorUrl) return Referred{Json(), true};
  Result<Json> headers = headersOf(id, *registered, entry);
  if (!headers.ok()) return std::move(headers).error();
  Json stated = Json::object({{"type", "http"}, {"url", url}});
  if (!headers->empty()) stated["headers"] = *headers;
  Result<Json> checked = urlEntry(name, stated);
  if (!checked.ok()) return wrong(path + ": " + checked.error().message(), checked.error().hint());
  return Referred{std::move(*checked), false};
}
}  // namespace

Result<Json> readMcpEntry(const std::string& name, const Json& entry) {
  if (!isBlueprintName(name))
    return wrong("server name '" + shortened(name, 80) + "' is no name",
                 "use 1 to 60 letters, digits, '-' and '_'");
  if (!entry.is_object()) return wrong("server '" + name + "' must be an object");
  if (json::find(entry, "command") != nullptr) return programEntry(name, entry);
  if (json::find(entry, "url") != nullptr) return urlEntry(name, entry);
  return wrong("server '" + name + "' says neither \"command\" nor \"url\" nor \"ref\"",
               "give the program to start, the address to call, or an entry of mcp-servers/");
}

Result<McpServers> readMcpServers(const SourceTree& tree, const Json& document) {
  const Json* entries = json::find(document, "mcpServers");
  if (entries == nullptr || !entries->is_object())
    return wrong("'mcpServers' is missing or no object", "write {\"mcpServers\": {\"name\": {…}}}");
  if (entries->size() > kServersMax)
    return wrong("more than " + std::to_string(kServersMax) + " servers");
  McpServers result;
  result.servers = Json::object();
  for (const auto& [name, entry] : entries->items()) {
    if (json::find(entry, "ref") == nullptr) {
      Result<Json> own = readMcpEntry(name, entry);
      if (!own.ok()) return std::move(own).error();
      result.servers[name] = std::move(*own);
      continue;
    }
    Result<Referred> other = referred(tree, name, entry);
    if (!other.ok()) return std::move(other).error();
    result.wants_orchestrator = result.wants_orchestrator || other->orchestrator;
    if (!other->orchestrator) result.servers[name] = std::move(other->entry);
  }
  return result;
}

Status addMcpServers(Blueprint& blueprint, const Json& more, std::string_view origin) {
  if (!more.is_object() || more.empty()) return ok();
  if (blueprint.mcp_servers.is_null()) blueprint.mcp_servers = Json::object();
  for (const auto& [name, entry] : more.items()) {
    if (name == "tutti" && blueprint.tutti_tools)
      return wrong("server name 'tutti' is the one of tutti's own tools",
                   "name it otherwise, or set \"tutti_tools\": false");
    if (blueprint.mcp_servers.contains(name))
      return wrong(
          "server '" + name + "' is defined twice, the second time in " + std::string(origin),
          "rename one of them");
    blueprint.mcp_servers[name] = entry;
  }
  return ok();
}

}  // namespace tutti::agents
