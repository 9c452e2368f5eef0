#include <exception>
#include <utility>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/envelope.hpp"
#include "server/mcp/input.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/server_impl.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

WireError duplicateId(const rpc::Id& id) {
  std::string message = "Invalid Request: a request with the id " + shortened(id, 100) +
                        " is still in flight; give each request its own id";
  std::string data = R"({"name":"duplicate_id","hint":"use an id that no unanswered request has"})";
  return {{rpc::kInvalidRequest, std::move(message), std::move(data)}, 400};
}

Request makeLegacyRequest(const std::shared_ptr<Peer>& peer, rpc::Message&& message,
                          const std::shared_ptr<Exchange>& exchange) {
  Request request;
  request.id = std::move(message.id);
  request.method = std::move(message.method);
  request.params = std::move(message.params);
  request.context.revision = peer->negotiated.value_or(kLatestLegacy);
  request.context.caller.revision = revisionName(request.context.revision);
  request.context.caller.client_name = peer->client_name;
  request.context.caller.agent_session_id = peer->agent_session_id;
  request.context.caller.over_http = peer->over_http;
  request.context.caller.credential = peer->credential;
  request.peer = peer;
  request.exchange = exchange;
  return request;
}

std::shared_ptr<Pending> run(Server::Impl& server, const Method& method, Request& request) {
  std::shared_ptr<Pending> pending;
  try {
    method.body(server, request, pending);
  } catch (const std::exception& thrown) {
    log::error("a method threw", {{"method", method.name}, {"what", thrown.what()}});
    if (pending)
      pending->fail();
    else
      request.error(internalError());
  }
  return pending;
}

}  // namespace

std::shared_ptr<Pending> dispatch(Server::Impl& server, Request&& request) {
  if (request.peer && request.peer->inFlight(request.id)) {
    request.error(duplicateId(request.id));
    return nullptr;
  }
  if (request.peer && request.peer->full()) {
    request.error(overloaded("in_flight_max", request.peer->inFlightMax(),
                             "wait for answers before sending more"));
    return nullptr;
  }
  const Method* method = findMethod(server, request.method, request.context.revision);
  if (method == nullptr) {
    request.error(methodNotFound(request.method, request.context.modern()));
    return nullptr;
  }
  if (method->takes_input && request.context.modern()) {
    if (const auto bad = readRound(server, request)) {
      request.error(*bad);
      return nullptr;
    }
  }
  return run(server, *method, request);
}

void runAgain(Server::Impl& server, Request request) {
  const Method* method = findMethod(server, request.method, request.context.revision);
  const std::shared_ptr<Peer> peer = request.peer;
  const rpc::Id id = request.id;
  // Whoever answers later has taken the place of the round before; else the answer is out.
  const bool is_task = request.task != nullptr;
  if (!run(server, *method, request) && peer && !is_task) peer->remove(id);
}

std::shared_ptr<Pending> receiveLegacy(Server::Impl& server, const std::shared_ptr<Peer>& peer,
                                       rpc::Item item, const std::shared_ptr<Exchange>& exchange) {
  if (!item.valid && item.refusal.notification) {
    log::debug("a notification is no valid message and is dropped",
               {{"why", item.refusal.error.message}});
    return nullptr;
  }
  if (!item.valid) {
    exchange->reply(rpc::errorFrame(item.refusal.id, item.refusal.error), 400);
    return nullptr;
  }
  return receiveLegacy(server, peer, std::move(item.message), exchange);
}

std::shared_ptr<Pending> receiveLegacy(Server::Impl& server, const std::shared_ptr<Peer>& peer,
                                       rpc::Message&& message,
                                       const std::shared_ptr<Exchange>& exchange) {
  switch (message.kind) {
    case rpc::Message::Kind::Response:
      peer->answered(std::move(message));
      return nullptr;
    case rpc::Message::Kind::Notification:
      receiveNotification(peer.get(), message);
      return nullptr;
    case rpc::Message::Kind::Request:
      break;
  }
  std::string progress_token;
  const auto bad_token = readProgressToken(message, progress_token);
  Request request = makeLegacyRequest(peer, std::move(message), exchange);
  if (bad_token) {
    request.error(*bad_token);
    return nullptr;
  }
  request.context.progress_token = std::move(progress_token);
  return dispatch(server, std::move(request));
}

void receiveNotification(Peer* peer, const rpc::Message& message) {
  if (peer == nullptr || message.method != "notifications/cancelled") return;
  if (!message.params.is_object()) return;
  if (const Json* id = json::find(message.params, "requestId")) peer->cancel(rpc::idOf(*id));
}

}  // namespace tutti::mcp
