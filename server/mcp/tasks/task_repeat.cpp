#include "server/mcp/tasks/task_repeat.hpp"

#include <utility>

#include "server/mcp/methods.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view kNoId = "0";  // the answer goes to the task, which has no use for it

const Json& capabilitiesOf(const Request& request) {
  const Envelope* envelope = request.context.envelope.get();
  return envelope != nullptr ? envelope->client_capabilities : request.peer->client_capabilities;
}

std::shared_ptr<Peer> peerFor(const Server::Impl& server, const Context& context,
                              Json capabilities) {
  auto peer = std::make_shared<Peer>(server.options.in_flight_max);
  peer->negotiated = context.revision;
  peer->client_name = context.caller.client_name;
  peer->agent_session_id = context.caller.agent_session_id;
  peer->credential = context.caller.credential;
  peer->over_http = context.caller.over_http;
  peer->client_capabilities = std::move(capabilities);
  return peer;
}

}  // namespace

std::string repeatText(const Request& request, const Json& arguments) {
  const Caller& caller = request.context.caller;
  Json params = request.params;
  params["arguments"] = arguments;
  return json::dump(Json{{"method", request.method},
                         {"params", std::move(params)},
                         {"revision", revisionName(request.context.revision)},
                         {"client_name", caller.client_name},
                         {"agent_session_id", caller.agent_session_id},
                         {"credential", caller.credential},
                         {"over_http", caller.over_http},
                         {"client_capabilities", capabilitiesOf(request)}});
}

std::optional<Request> repeatedRequest(const Server::Impl& server, std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto kept = json::parse(text);
  if (!kept.ok() || !kept->is_object()) return std::nullopt;
  const auto revision = parseRevision(json::stringOr(*kept, "revision", ""));
  const Json* params = json::find(*kept, "params");
  if (!revision || params == nullptr) return std::nullopt;

  Request request;
  request.id = kNoId;
  request.method = json::stringOr(*kept, "method", "");
  if (findMethod(server, request.method, *revision) == nullptr) return std::nullopt;
  request.params = *params;
  request.context.revision = *revision;
  request.context.caller.revision = revisionName(*revision);
  request.context.caller.client_name = json::stringOr(*kept, "client_name", "");
  request.context.caller.agent_session_id = json::stringOr(*kept, "agent_session_id", "");
  request.context.caller.credential = json::stringOr(*kept, "credential", "");
  request.context.caller.over_http = json::booleanOr(*kept, "over_http", false);
  Json capabilities = kept->value("client_capabilities", Json::object());
  if (!isModern(*revision)) {
    request.peer = peerFor(server, request.context, std::move(capabilities));
    return request;
  }
  const auto envelope = std::make_shared<Envelope>();
  envelope->protocol_version = request.context.caller.revision;
  envelope->client_name = request.context.caller.client_name;
  envelope->client_capabilities = std::move(capabilities);
  request.context.envelope = envelope;
  return request;
}

}  // namespace tutti::mcp
