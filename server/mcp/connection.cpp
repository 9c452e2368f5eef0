#include "server/mcp/connection.hpp"

#include <algorithm>
#include <utility>

#include "server/mcp/batch.hpp"
#include "server/mcp/envelope.hpp"
#include "server/mcp/keep_alive.hpp"
#include "server/mcp/modern.hpp"
#include "server/mcp/server_impl.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {

struct Connection::State {
  Server::Impl& server;
  std::shared_ptr<Exchange> pipe;
  std::shared_ptr<Peer> peer;
  rpc::Decoder decoder{};
  EnvelopeReader envelopes{};
  std::shared_ptr<KeepAlive> keep_alive = nullptr;
  bool greeted = false;
  std::function<void()> lost = nullptr;

  void greet();
  void receiveOne(rpc::Message&& message);
  void receiveModern(rpc::Message message);
  void receiveBatch(rpc::Decoded decoded);
  void refuseBatch(std::string_view why);
};

void Connection::State::receiveOne(rpc::Message&& message) {
  if (message.kind == rpc::Message::Kind::Request && claimsModern(message))
    return receiveModern(std::move(message));
  receiveLegacy(server, peer, std::move(message), pipe);
  if (!greeted && peer->negotiated) greet();
}

/// The client has shaken hands: from now on it can be asked whether it is there.
void Connection::State::greet() {
  greeted = true;
  KeepAliveWay way;
  way.stream = [to = pipe] { return to; };
  way.send = [to = pipe](std::string frame) { to->notify(std::move(frame)); };
  way.lost = [this] {
    peer->cancelAll();
    if (const auto callback = std::exchange(lost, nullptr)) callback();
  };
  keep_alive =
      KeepAlive::start(server.options.timers, keepAliveTimes(server.options), peer, std::move(way));
}

void Connection::State::receiveModern(rpc::Message message) {
  Request request;
  request.id = message.id;
  request.context.revision = Revision::k2026_07_28;
  request.exchange = pipe;
  std::shared_ptr<const Envelope> envelope;
  if (const auto bad = envelopes.read(message, envelope)) return request.error(*bad);
  if (const auto bad = makeModernRequest(std::move(message), std::move(envelope), request))
    return request.error(*bad);
  request.context.caller.agent_session_id = peer->agent_session_id;
  request.context.caller.credential = peer->credential;
  request.peer = peer;  // for its requests in flight; the handshake's state stays out of it
  dispatch(server, std::move(request));
}

void Connection::State::refuseBatch(std::string_view why) {
  rpc::ErrorBody error{rpc::kInvalidRequest, "Invalid Request: ", {}};
  error.message += why;
  pipe->reply(rpc::errorFrame({}, error), 400);
}

void Connection::State::receiveBatch(rpc::Decoded decoded) {
  if (!peer->negotiated || !takesBatches(*peer->negotiated))
    return refuseBatch(
        "only the revisions before 2025-06-18 have batches; send one message a line");
  for (const rpc::Item& item : decoded.items) {
    if (item.valid && item.message.method == "initialize")
      return refuseBatch("initialize cannot be part of a batch");
    if (item.valid && claimsModern(item.message))
      return refuseBatch("a request that describes itself in _meta cannot be part of a batch");
  }
  if (decoded.batch_refused) {  // as a whole, so the answer is no array either
    const rpc::Refusal& refusal = decoded.items.front().refusal;
    return pipe->reply(rpc::errorFrame(refusal.id, refusal.error), 400);
  }
  const auto answered = [](const rpc::Item& item) {
    if (!item.valid) return !item.refusal.notification;
    return item.message.kind == rpc::Message::Kind::Request;
  };
  const auto expected = std::count_if(decoded.items.begin(), decoded.items.end(), answered);
  const auto batch = std::make_shared<BatchExchange>(pipe, static_cast<std::size_t>(expected));
  for (rpc::Item& item : decoded.items) receiveLegacy(server, peer, std::move(item), batch);
}

Connection::Connection(Server& server, std::shared_ptr<Exchange> pipe, Client client)
    : state_(new State{server.impl(), std::move(pipe),
                       std::make_shared<Peer>(server.impl().options.in_flight_max)}) {
  state_->peer->agent_session_id = std::move(client.agent_session_id);
  state_->peer->credential = std::move(client.credential);
  state_->peer->unsolicited = [to = state_->pipe](std::string frame) {
    to->notify(std::move(frame));
  };
}

Connection::~Connection() {
  state_->keep_alive = nullptr;
  state_->peer->onIdle(nullptr);
  state_->peer->endAnswers();
  state_->peer->unsolicited = nullptr;
}

void Connection::receive(std::string_view text) {
  rpc::Message message;
  if (state_->decoder.decodeUsual(text, message)) return state_->receiveOne(std::move(message));
  rpc::Decoded decoded = state_->decoder.decodeUnusual(text);
  if (decoded.batch) return state_->receiveBatch(std::move(decoded));
  rpc::Item& item = decoded.items.front();
  if (item.valid) return state_->receiveOne(std::move(item.message));
  receiveLegacy(state_->server, state_->peer, std::move(item), state_->pipe);
}

void Connection::receiveOversized(std::size_t line_bytes_max) {
  const Error error = Error(Code::ResourceExhausted,
                            "the message is longer than line_bytes_max (" +
                                std::to_string(line_bytes_max) + " bytes)",
                            "send it in parts, or raise the limit")
                          .named("line_bytes_max");
  rpc::ErrorBody body = errorBody(error);
  body.code = rpc::kInvalidRequest;
  state_->pipe->reply(rpc::errorFrame({}, body), 413);
}

bool Connection::idle() const {
  return state_->peer->idle();
}
void Connection::onIdle(std::function<void()> callback) {
  state_->peer->onIdle(std::move(callback));
}
void Connection::inputEnded() {
  state_->peer->endAnswers();
}
void Connection::onLost(std::function<void()> callback) {
  state_->lost = std::move(callback);
}
void Connection::close() {
  state_->keep_alive = nullptr;
  state_->peer->cancelAll();
}

}  // namespace tutti::mcp
