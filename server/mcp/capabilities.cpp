#include "server/mcp/capabilities.hpp"

#include "server/mcp/json_members.hpp"
#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {
namespace {

/// The tasks extension is of the newest revision; 2025-11-25 has tasks of its own.
bool extensionShows(std::string_view id, Revision revision) {
  return isModern(revision) || id != kTasksExtension;
}

void appendExtensions(std::string& to, const Server::Impl& server, Revision revision) {
  std::string all = "{";
  for (const auto& [id, settings] : server.extensions)
    if (extensionShows(id, revision)) appendJsonMember(all, id, settings);
  if (all.size() > 1) to.append(",\"extensions\":").append(all).push_back('}');
}

}  // namespace

std::string capabilitiesJson(const Server::Impl& server, Revision revision) {
  std::string json = "{\"logging\":{}";
  if (hasCompletionsCapability(revision) && server.completes) json += ",\"completions\":{}";
  if (server.prompts.offered()) json += ",\"prompts\":{\"listChanged\":true}";
  if (server.offersResources()) json += ",\"resources\":{\"subscribe\":true,\"listChanged\":true}";
  if (server.tools.offered()) json += ",\"tools\":{\"listChanged\":true}";
  if (server.tasks && hasExperimentalTasks(revision))
    json += ",\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}";
  appendExtensions(json, server, revision);
  json += '}';
  return json;
}

}  // namespace tutti::mcp
