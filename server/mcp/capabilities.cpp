#include "server/mcp/capabilities.hpp"

#include <algorithm>

#include "server/mcp/json_members.hpp"
#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

bool completes(const Server::Impl& server) {
  const auto has = [](const auto& entry) { return entry->complete != nullptr; };
  const auto& prompts = server.prompts.all();
  const auto& templates = server.templates.all();
  return std::any_of(prompts.begin(), prompts.end(), has) ||
         std::any_of(templates.begin(), templates.end(), has);
}

std::string capabilitiesJson(const Server::Impl& server, Revision revision) {
  std::string json = "{\"logging\":{}";
  if (hasCompletionsCapability(revision) && completes(server)) json += ",\"completions\":{}";
  if (server.prompts.offered()) json += ",\"prompts\":{\"listChanged\":true}";
  if (server.offersResources()) json += ",\"resources\":{\"subscribe\":true,\"listChanged\":true}";
  if (server.tools.offered()) json += ",\"tools\":{\"listChanged\":true}";
  if (!server.extensions.empty()) {
    json += ",\"extensions\":{";
    for (const auto& [id, settings] : server.extensions) appendJsonMember(json, id, settings);
    json += '}';
  }
  json += '}';
  return json;
}

}  // namespace tutti::mcp
