#include "server/mcp/methods.hpp"

#include <array>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/capabilities.hpp"
#include "server/mcp/log_level.hpp"
#include "server/mcp/tasks/task_methods.hpp"

namespace tutti::mcp {
namespace {

const Json* member(const Json& object, std::string_view key) {
  return object.is_object() ? json::find(object, key) : nullptr;
}

void initialize(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  const Json* version = member(request.params, "protocolVersion");
  if (version == nullptr || !version->is_string())
    return request.error(invalidParams("'protocolVersion' must be a string"));
  Peer& peer = *request.peer;
  const auto asked = parseRevision(version->get_ref<const std::string&>());
  // Whatever is unknown here, or needs no handshake, is offered the newest revision that has one.
  const bool spoken = asked && !isModern(*asked);
  peer.negotiated = spoken ? *asked : kLatestLegacy;
  if (const Json* client = member(request.params, "clientInfo"))
    peer.client_name = shortened(json::stringOr(*client, "name", ""), 200);
  if (const Json* capabilities = member(request.params, "capabilities"))
    peer.client_capabilities = *capabilities;

  std::string body = "{\"protocolVersion\":";
  appendJsonString(body, revisionName(*peer.negotiated));
  body.append(",\"capabilities\":").append(capabilitiesJson(server, *peer.negotiated));
  body.append(",\"serverInfo\":").append(server.introduction(*peer.negotiated));
  if (!server.options.instructions.empty()) {
    body += ",\"instructions\":";
    appendJsonString(body, server.options.instructions);
  }
  body += '}';
  server.audience.join(request.peer);
  request.result(body);
}

void ping(Server::Impl&, Request& request, std::shared_ptr<Pending>&) {
  request.result("{}");
}

void setLevel(Server::Impl&, Request& request, std::shared_ptr<Pending>&) {
  const Json* word = member(request.params, "level");
  const auto level = word != nullptr && word->is_string()
                         ? parseLogLevel(word->get_ref<const std::string&>())
                         : std::nullopt;
  if (!level)
    return request.error(
        invalidParams("'level' is not a log level", "invalid_log_level",
                      "use debug, info, notice, warning, error, critical, alert or "
                      "emergency"));
  request.peer->log_level = *level;
  request.result("{}");
}

std::string discoverBody(const Server::Impl& server, Revision revision) {
  std::string body = "{\"supportedVersions\":";
  body.append(kModernRevisionsJson).append(",\"capabilities\":");
  body.append(capabilitiesJson(server, revision));
  if (!server.options.instructions.empty()) {
    body += ",\"instructions\":";
    appendJsonString(body, server.options.instructions);
  }
  body += ",\"ttlMs\":" + std::to_string(server.options.list_ttl_ms);
  body.append(",\"cacheScope\":\"public\"");
  body.append(makeTail(server.introduction(revision)).modern).push_back('}');
  return body;
}

void discover(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  if (server.discover_body.empty())
    server.discover_body = discoverBody(server, request.context.revision);
  request.result(server.discover_body);
}

bool offersTools(const Server::Impl& server) {
  return server.tools.offered();
}
bool offersPrompts(const Server::Impl& server) {
  return server.prompts.offered();
}
bool offersResources(const Server::Impl& server) {
  return server.offersResources();
}
bool offersSkills(const Server::Impl& server) {
  return server.skills.offered();
}
bool completes(const Server::Impl& server) {
  return server.completes;
}
bool offersAny(const Server::Impl& server) {
  return offersTools(server) || offersPrompts(server) || offersResources(server);
}

constexpr std::array kMethods = {
    Method{"tools/call", true, true, callTool, true, offersTools},
    Method{"tools/list", true, true, listTools, false, offersTools},
    Method{"ping", true, false, ping},
    Method{"prompts/get", true, true, getPrompt, true, offersPrompts},
    Method{"prompts/list", true, true, listPrompts, false, offersPrompts},
    Method{"resources/read", true, true, readResource, true, offersResources},
    Method{"resources/list", true, true, listResources, false, offersResources},
    Method{"resources/templates/list", true, true, listTemplates, false, offersResources},
    Method{"resources/subscribe", true, false, subscribe, false, offersResources},
    Method{"resources/unsubscribe", true, false, unsubscribe, false, offersResources},
    Method{"subscriptions/listen", false, true, listen, false, offersAny},
    Method{"completion/complete", true, true, complete, false, completes},
    Method{"skills/list", true, true, listSkills, false, offersSkills},
    Method{"skills/get", true, true, getSkill, false, offersSkills},
    Method{"resources/directory/read", true, true, readDirectory, false, offersSkills},
    Method{"initialize", true, false, initialize},
    Method{"server/discover", false, true, discover},
    Method{"logging/setLevel", true, false, setLevel},
    Method{"tasks/get", true, true, getTask},
    Method{"tasks/update", false, true, updateTask},
    Method{"tasks/cancel", true, true, cancelTask},
    Method{"tasks/result", true, false, awaitTask},
    Method{"tasks/list", true, false, listTasks},
};

}  // namespace

const Method* findMethod(const Server::Impl& server, std::string_view name, Revision revision) {
  for (const Method& method : kMethods) {
    if (method.name != name) continue;
    const bool known = isModern(revision) ? method.modern : method.legacy;
    if (!known || (method.offered != nullptr && !method.offered(server))) return nullptr;
    return &method;
  }
  return nullptr;
}

const std::string* stringParameter(const Request& request, std::string_view key) {
  const Json* value = member(request.params, key);
  return value != nullptr && value->is_string() ? &value->get_ref<const std::string&>() : nullptr;
}

}  // namespace tutti::mcp
