#include "server/mcp/methods.hpp"

#include <array>
#include <utility>

#include "server/base/text.hpp"
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
  body.append(",\"capabilities\":").append(server.capabilities);
  body.append(",\"serverInfo\":").append(server.server_info);
  if (!server.options.instructions.empty()) {
    body += ",\"instructions\":";
    appendJsonString(body, server.options.instructions);
  }
  body += '}';
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

void discover(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  request.result(server.discover_body);
}

void listTools(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  std::string_view cursor;
  if (const Json* given = member(request.params, "cursor")) {
    if (!given->is_string()) return request.error(invalidParams("'cursor' must be a string"));
    cursor = given->get_ref<const std::string&>();
  }
  const auto page = server.tools.page(request.context.revision, cursor);
  if (!page)
    return request.error(invalidParams("'cursor' is not one of this list", "invalid_cursor",
                                       "list again from the start, without a cursor"));
  std::string body = "{\"tools\":";
  body.reserve(page->tools.size() + 512);
  body += page->tools;
  if (!page->next_cursor.empty()) {
    body += ",\"nextCursor\":";
    appendJsonString(body, page->next_cursor);
  }
  if (request.context.modern()) {
    body += ",\"ttlMs\":" + std::to_string(server.options.list_ttl_ms);
    body.append(",\"cacheScope\":\"public\"").append(server.tail.modern);
  }
  body += '}';
  request.result(body);
}

constexpr std::array kMethods = {
    Method{"tools/call", true, true, callTool, true},
    Method{"tools/list", true, true, listTools},
    Method{"ping", true, false, ping},
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

const Method* findMethod(std::string_view name, Revision revision) {
  for (const Method& method : kMethods) {
    if (method.name != name) continue;
    const bool known = isModern(revision) ? method.modern : method.legacy;
    return known ? &method : nullptr;
  }
  return nullptr;
}

}  // namespace tutti::mcp
