// Requests of ours: sending, their time limits, their end.
#include <algorithm>
#include <charconv>
#include <limits>

#include "server/base/text.hpp"
#include "server/mcp/client/state.hpp"
#include "server/mcp/envelope.hpp"

namespace tutti::mcp::client {
namespace {

std::string requestFrame(std::uint64_t id, std::string_view method, const Json& params) {
  std::string frame = "{\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(id) + ",\"method\":";
  appendJsonString(frame, method);
  frame.append(",\"params\":").append(json::dump(params)).push_back('}');
  return frame;
}

Error timeout(const Pending& request, std::int64_t limit_ms, std::string_view limit) {
  std::string message = "'" + request.method + "'";
  if (!request.name.empty()) message += " of '" + shortened(request.name, 128) + "'";
  message += " was not answered within " + std::to_string(limit_ms) + " ms";
  return Error(Code::DeadlineExceeded, std::move(message), "raise " + std::string(limit))
      .named("request_timeout");
}

}  // namespace

Pending* Client::State::byTicket(Ticket ticket) {
  const auto found = pending.find(ticket);
  return found == pending.end() ? nullptr : found->second.get();
}

Pending* Client::State::byId(const rpc::Id& id) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(id.data(), id.data() + id.size(), number);
  if (read.ec != std::errc{} || read.ptr != id.data() + id.size()) return nullptr;
  const auto found = by_id.find(number);
  return found == by_id.end() ? nullptr : byTicket(found->second);
}

Ticket Client::State::begin(std::unique_ptr<Pending> request) {
  if (pending.size() >= options.in_flight_max) {
    request->done(Error(Code::ResourceExhausted,
                        std::to_string(pending.size()) + " requests wait for this server already",
                        "wait for some of them, or raise in_flight_max")
                      .named("in_flight_max"));
    return 0;
  }
  const Ticket ticket = ++last_number;
  request->ticket = ticket;
  request->began_ms = request->heard_ms = channel.nowMs();
  if (request->options.time_max_ms <= 0) request->options.time_max_ms = options.request_max_ms;
  Pending& kept = *pending.emplace(ticket, std::move(request)).first->second;
  sendRound(kept);
  rearm();
  return ticket;
}

void Client::State::sendRound(Pending& request) {
  request.id = request.rounds == 0 ? request.ticket : ++last_number;
  by_id[request.id] = request.ticket;
  const bool as_modern = modern() || request.method == "server/discover";
  Json params = request.params.is_object() ? request.params : Json::object();
  if (!request.input_responses.is_null())
    params["inputResponses"] = std::move(request.input_responses);
  request.input_responses = Json();
  if (request.has_state) params["requestState"] = std::exchange(request.request_state, {});
  request.has_state = false;
  if (as_modern)
    params["_meta"] = Json::object({{std::string(kMetaVersion), std::string(kRevisionNames.back())},
                                    {std::string(kMetaClientInfo), clientInfo()},
                                    {std::string(kMetaCapabilities), capabilities()}});
  if (as_modern && !request.options.log_level.empty())
    params["_meta"][std::string(kMetaLogLevel)] = request.options.log_level;
  if (request.options.on_progress) params["_meta"]["progressToken"] = request.ticket;

  Outgoing message;
  message.id = std::to_string(request.id);
  message.text = requestFrame(request.id, request.method, params);
  message.method = request.method;
  message.name = request.name;
  message.modern = as_modern;
  if (as_modern)
    message.revision = std::string(kRevisionNames.back());
  else if (phase == Phase::Ready)
    message.revision = std::string(revisionName(facts.revision));
  message.header_params = request.options.header_params;
  channel.send(std::move(message));
}

void Client::State::sendNotification(std::string_view method, const Json& params) {
  Outgoing message;
  message.kind = rpc::Message::Kind::Notification;
  message.method = std::string(method);
  message.modern = modern();
  message.revision = std::string(revisionName(facts.revision));
  if (params.is_null()) {
    message.text = "{\"jsonrpc\":\"2.0\",\"method\":";
    appendJsonString(message.text, method);
    message.text += '}';
  } else {
    message.text = rpc::notificationFrame(method, json::dump(params));
  }
  channel.send(std::move(message));
}

void Client::State::sendResponse(const rpc::Id& id, const std::string& frame) {
  Outgoing message;
  message.kind = rpc::Message::Kind::Response;
  message.id = id;
  message.text = frame;
  message.revision = std::string(revisionName(facts.revision));
  channel.send(std::move(message));
}

void Client::State::end(Ticket ticket, Result<Reply> result) {
  const auto found = pending.find(ticket);
  if (found == pending.end()) return;
  const std::unique_ptr<Pending> request = std::move(found->second);
  pending.erase(found);
  by_id.erase(request->id);
  dropQuestions(*request);
  rearm();
  request->done(std::move(result));
}

void Client::State::cancel(Ticket ticket, std::string_view reason, const Error& error) {
  Pending* request = byTicket(ticket);
  if (request == nullptr) return;
  const std::uint64_t id = request->id;
  if (id != 0 && request->method != "initialize") {
    if (!(modern() && channel.withdrawalCancels()))
      sendNotification("notifications/cancelled",
                       Json::object({{"requestId", id}, {"reason", std::string(reason)}}));
    channel.withdraw(std::to_string(id));
  }
  end(ticket, error);
}

void Client::State::loseAll(const Error& error) {
  if (phase == Phase::Lost) return;
  const auto kept = shared_from_this();
  phase = Phase::Lost;
  handshake_until_ms = silent_until_ms = probe_until_ms = follow_again_ms = watch_again_ms = 0;
  while (!pending.empty()) end(pending.begin()->first, error);
  if (alive) events.onLost(error);
}

std::int64_t Client::State::deadline(const Pending& request) const {
  if (request.untimed) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t total = request.began_ms + options.total_max_ms;
  if (request.open_questions > 0) return total;  // somebody is asked: that takes what it takes
  return std::min(total, request.heard_ms + request.options.time_max_ms);
}

void Client::State::rearm() {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t at :
       {probe_until_ms, handshake_until_ms, silent_until_ms, follow_again_ms, watch_again_ms})
    if (at != 0) next = std::min(next, at);
  for (const auto& [ticket, request] : pending) next = std::min(next, deadline(*request));
  channel.wakeAt(next);
}

/// Of the handshake.
void Client::State::loseUnanswered(std::string_view what, std::int64_t limit_ms) {
  std::string message = "the server did not ";
  message.append(what).append(" within ").append(std::to_string(limit_ms)).append(" ms");
  loseAll(Error(Code::DeadlineExceeded, std::move(message),
                "see what it says on stderr; is it an MCP server?")
              .named("handshake_timeout"));
}

void Client::State::expire() {
  const std::int64_t now = channel.nowMs();
  if (handshake_until_ms != 0 && now >= handshake_until_ms)
    return loseUnanswered("answer the handshake", options.handshake_max_ms);
  if (silent_until_ms != 0 && now >= silent_until_ms)
    return loseUnanswered("say anything in the handshake", options.handshake_silent_max_ms);
  if (probe_until_ms != 0 && now >= probe_until_ms && phase == Phase::Probing) initialize();
  if (follow_again_ms != 0 && now >= follow_again_ms && phase == Phase::Ready) follow();
  if (watch_again_ms != 0 && now >= watch_again_ms && phase == Phase::Ready) watchNext();

  std::vector<Ticket> late;
  for (const auto& [ticket, request] : pending)
    if (now >= deadline(*request)) late.push_back(ticket);
  for (const Ticket ticket : late) {
    const Pending* request = byTicket(ticket);
    if (request == nullptr) continue;
    const bool total = now >= request->began_ms + options.total_max_ms;
    const std::int64_t limit = total ? options.total_max_ms : request->options.time_max_ms;
    cancel(ticket, "time limit", timeout(*request, limit, total ? "total_max_ms" : "timeout_s"));
  }
  rearm();
}

}  // namespace tutti::mcp::client
