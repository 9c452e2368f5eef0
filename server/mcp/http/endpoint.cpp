#include "server/mcp/http/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "server/base/ids.hpp"
#include "server/mcp/batch.hpp"
#include "server/mcp/http/exchange.hpp"
#include "server/mcp/http/ladder.hpp"
#include "server/mcp/http/replay.hpp"
#include "server/mcp/modern.hpp"
#include "server/mcp/server_impl.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp::http {
namespace {

constexpr int kSessionIdBytes = 24;
constexpr std::string_view kAllow = "Allow: GET, POST, DELETE, OPTIONS\r\n";
/// For pages of an allowed Origin; the transport says which origin that is.
constexpr std::string_view kPreflight =
    "Allow: GET, POST, DELETE, OPTIONS\r\n"
    "Access-Control-Allow-Methods: GET, POST, DELETE\r\n"
    "Access-Control-Allow-Headers: Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Method, "
    "Mcp-Name, MCP-Protocol-Version, Mcp-Session-Id\r\n"
    "Access-Control-Max-Age: 600\r\n";

void refuse(HttpReply& reply, const HttpRefusal& refusal, std::string_view extra_headers = {}) {
  const std::string body = rpc::errorFrame(refusal.id, refusal.error.body);
  reply.respond({refusal.error.http_status, "application/json", body, extra_headers});
}

void refuse(HttpReply& reply, int status, int code, std::string message) {
  refuse(reply, {{}, {{code, std::move(message), {}}, status}});
}

/// Arguments of a tool that must be repeated as headers.
std::optional<std::string> headerParameterMismatch(const Server::Impl& server,
                                                   const HttpRequest& http,
                                                   const Request& request) {
  if (!server.tools.mirrorsArguments() || request.method != "tools/call") return std::nullopt;
  if (!request.params.is_object()) return std::nullopt;
  const Json* name = json::find(request.params, "name");
  if (name == nullptr || !name->is_string()) return std::nullopt;
  const auto* tool = server.tools.find(name->get_ref<const std::string&>());
  if (tool == nullptr || (*tool)->header_parameters.empty()) return std::nullopt;
  const Json* arguments = json::find(request.params, "arguments");
  if (arguments == nullptr) return std::nullopt;
  const auto lookup = [&http](std::string_view header) { return http.parameter(header); };
  return headerMismatch((*tool)->header_parameters, *arguments, lookup);
}

void accepted(HttpReply& reply) {
  reply.respond({202, {}, {}, {}});
}

}  // namespace

struct Endpoint::State {
  State(Server& given, EndpointOptions options)
      : server(given.impl()),
        replay_budget(std::make_shared<ReplayBudget>(ReplayBudget{options.replay_bytes_max})),
        replay_limits{options.session_replay_bytes_max},
        sessions(std::move(options.sessions)) {}

  Server::Impl& server;
  const std::shared_ptr<ReplayBudget> replay_budget;
  const ReplayLimits replay_limits;
  Sessions sessions;
  rpc::Decoder decoder;
  EnvelopeReader envelopes;

  void post(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  void get(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  void del(const HttpRequest& request, HttpReply& reply);
  void modern(const HttpRequest& request, rpc::Message message,
              std::shared_ptr<const Envelope> envelope, const std::shared_ptr<HttpReply>& reply);
  void initialize(const HttpRequest& request, rpc::Item item,
                  const std::shared_ptr<HttpReply>& reply);
  void keepAlive(const std::shared_ptr<Session>& session);
  void legacy(const HttpRequest& request, rpc::Item item, const std::shared_ptr<HttpReply>& reply);
  void batch(const HttpRequest& request, rpc::Decoded decoded,
             const std::shared_ptr<HttpReply>& reply);
  void resume(const std::shared_ptr<Session>& session, std::string_view last_event_id,
              const std::shared_ptr<HttpReply>& reply);
  void forgetWhenGone(const std::shared_ptr<Session>& session,
                      const std::shared_ptr<HttpReply>& reply);
  std::shared_ptr<Session> sessionOf(const HttpRequest& request, HttpReply& reply);
};

/// The session that the request names; answers the request itself when there is none.
std::shared_ptr<Session> Endpoint::State::sessionOf(const HttpRequest& request, HttpReply& reply) {
  const auto& id = request.header(Header::SessionId);
  if (!id) {
    refuse(reply, 400, kLegacyTransport,
           "Bad Request: Mcp-Session-Id is missing; send initialize first, or describe the request "
           "in params._meta");
    return nullptr;
  }
  auto session = sessions.find(*id);
  // Whoever else comes with the id learns nothing, not even that it is one.
  if (!session || session->peer->credential != credentialOf(request)) {
    refuse(reply, 404, kLegacySessionNotFound, "Session not found: initialize again");
    return nullptr;
  }
  const auto& version = request.header(Header::ProtocolVersion);
  const auto revision = version ? parseRevision(*version) : kLatestLegacy;
  if (!revision || isModern(*revision)) {
    refuse(reply, 400, kLegacyTransport,
           "Bad Request: unsupported MCP-Protocol-Version (supported: 2024-11-05, 2025-03-26, "
           "2025-06-18, 2025-11-25)");
    return nullptr;
  }
  if (const auto& agent = request.header(Header::AgentSessionId))
    session->peer->agent_session_id = *agent;
  return session;
}

void Endpoint::State::modern(const HttpRequest& http, rpc::Message message,
                             std::shared_ptr<const Envelope> envelope,
                             const std::shared_ptr<HttpReply>& reply) {
  Request request;
  request.exchange = std::make_shared<HttpExchange>(reply);
  if (const auto bad = makeModernRequest(std::move(message), std::move(envelope), request))
    return request.error(*bad);
  if (const auto wrong = headerParameterMismatch(server, http, request))
    return request.error({{kHeaderMismatch, "Header mismatch: " + *wrong, {}}, 400});
  request.context.caller.over_http = true;
  request.context.caller.credential = credentialOf(http);
  if (const auto& agent = http.header(Header::AgentSessionId))
    request.context.caller.agent_session_id = *agent;
  const auto pending = dispatch(server, std::move(request));
  if (!pending) return;
  // Here a disconnect is the way to cancel; the legacy eras have a message for it.
  std::weak_ptr<Pending> weak = pending;
  reply->onGone([weak = std::move(weak)] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
}

void Endpoint::State::initialize(const HttpRequest& request, rpc::Item item,
                                 const std::shared_ptr<HttpReply>& reply) {
  if (!sessions.makeRoom())
    return refuse(*reply, {item.message.id, overloaded("sessions_max", sessions.size(),
                                                       "end a session with DELETE, or wait")});
  auto peer = std::make_shared<Peer>(server.options.in_flight_max);
  peer->over_http = true;
  peer->credential = credentialOf(request);
  peer->agent_session_id = request.header(Header::AgentSessionId).value_or("");
  std::string id = randomHex(kSessionIdBytes);
  const auto exchange = std::make_shared<HttpExchange>(reply);
  exchange->announceSession(id, peer);
  receiveLegacy(server, peer, std::move(item), exchange);
  if (!peer->negotiated) return;
  const auto session = sessions.add(std::move(id), peer);
  if (hasReplay(*peer->negotiated))
    session->replay = std::make_shared<Replay>(replay_budget, replay_limits);
  keepAlive(session);
  peer->unsolicited = [weak = std::weak_ptr<Session>(session)](std::string frame) {
    if (const auto alive = weak.lock()) alive->deliver(std::move(frame));
  };
}

/// A client that holds its standalone stream open is pinged on it. What is replayed later must not
/// have questions that are long settled, so pings are no events of the replay.
void Endpoint::State::keepAlive(const std::shared_ptr<Session>& session) {
  const std::weak_ptr<Session> weak = session;
  KeepAliveWay way;
  way.stream = [weak]() -> std::shared_ptr<void> {
    const auto alive = weak.lock();
    return alive ? alive->stream : nullptr;
  };
  way.send = [weak](const std::string& frame) {
    const auto alive = weak.lock();
    const auto stream = alive ? alive->stream : nullptr;
    if (stream) stream->event({.data = frame});
  };
  way.lost = [this, weak] {
    if (const auto alive = weak.lock()) sessions.end(alive);
  };
  session->keep_alive = KeepAlive::start(server.options.timers, keepAliveTimes(server.options),
                                         session->peer, std::move(way));
}

void Endpoint::State::legacy(const HttpRequest& request, rpc::Item item,
                             const std::shared_ptr<HttpReply>& reply) {
  const auto session = sessionOf(request, *reply);
  if (!session) return;
  const bool answered = item.message.kind == rpc::Message::Kind::Request;
  std::shared_ptr<Exchange> exchange;
  if (session->replay)
    exchange = std::make_shared<ReplayExchange>(reply, session->replay);
  else
    exchange = std::make_shared<HttpExchange>(reply);
  receiveLegacy(server, session->peer, std::move(item), exchange);
  if (!answered) accepted(*reply);
}

void Endpoint::State::batch(const HttpRequest& request, rpc::Decoded decoded,
                            const std::shared_ptr<HttpReply>& reply) {
  const auto session = sessionOf(request, *reply);
  if (!session) return;
  if (!takesBatches(session->peer->negotiated.value_or(kLatestLegacy)))
    return refuse(*reply, 400, rpc::kInvalidRequest,
                  "Invalid Request: only the revisions before 2025-06-18 have batches");
  const auto answered = std::count_if(
      decoded.items.begin(), decoded.items.end(),
      [](const rpc::Item& item) { return item.message.kind == rpc::Message::Kind::Request; });
  const auto exchange = std::make_shared<BatchExchange>(std::make_shared<HttpExchange>(reply),
                                                        static_cast<std::size_t>(answered));
  for (rpc::Item& item : decoded.items)
    receiveLegacy(server, session->peer, std::move(item), exchange);
  if (answered == 0) accepted(*reply);
}

void Endpoint::State::post(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (const auto refusal = checkPostHeaders(request)) return refuse(*reply, *refusal);
  rpc::Decoded decoded = decoder.decode(request.body);
  Classified classified = classify(request, decoded, envelopes);
  switch (classified.kind) {
    case Classified::Kind::Refused:
      return refuse(*reply, classified.refusal);
    case Classified::Kind::ModernNotification:
      return accepted(
          *reply);  // nothing of a stateless request outlives it: there is nothing to tell
    case Classified::Kind::Modern:
      return modern(request, std::move(decoded.items.front().message),
                    std::move(classified.envelope), reply);
    case Classified::Kind::LegacyInitialize:
      return initialize(request, std::move(decoded.items.front()), reply);
    case Classified::Kind::LegacyBatch:
      return batch(request, std::move(decoded), reply);
    case Classified::Kind::Legacy:
      return legacy(request, std::move(decoded.items.front()), reply);
  }
}

void Endpoint::State::resume(const std::shared_ptr<Session>& session,
                             std::string_view last_event_id,
                             const std::shared_ptr<HttpReply>& reply) {
  if (session->resumeStream(last_event_id, reply)) return forgetWhenGone(session, reply);
  refuse(*reply, 400, kLegacyTransport,
         "Bad Request: Last-Event-ID names no event of this session, or what followed it is no "
         "longer kept");
}

/// A standalone stream is its session's until its client goes.
void Endpoint::State::forgetWhenGone(const std::shared_ptr<Session>& session,
                                     const std::shared_ptr<HttpReply>& reply) {
  if (session->stream != reply) return;
  reply->onGone([this, weak = std::weak_ptr<Session>(session), id = reply.get()] {
    const auto alive = weak.lock();
    if (!alive) return;
    if (alive->stream.get() == id) alive->stream = nullptr;
    sessions.touch(*alive);
  });
}

void Endpoint::State::get(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (const auto refusal = checkGetHeaders(request)) return refuse(*reply, *refusal);
  const auto session = sessionOf(request, *reply);
  if (!session) return;
  const auto& last_event_id = request.header(Header::LastEventId);
  if (last_event_id && session->replay) return resume(session, *last_event_id, reply);
  if (session->stream)
    return refuse(*reply, 409, kLegacyTransport,
                  "Conflict: this session's standalone stream is open already");
  session->openStream(reply);
  forgetWhenGone(session, reply);
}

void Endpoint::State::del(const HttpRequest& request, HttpReply& reply) {
  const auto session = sessionOf(request, reply);
  if (!session) return;
  sessions.end(session);
  reply.respond({204, {}, {}, {}});
}

Endpoint::Endpoint(Server& server, EndpointOptions options)
    : state_(std::make_unique<State>(server, std::move(options))) {}
Endpoint::~Endpoint() = default;

void Endpoint::handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  state_->sessions.endIdle();
  if (request.method == "POST") return state_->post(request, reply);
  if (request.method == "GET") return state_->get(request, reply);
  if (request.method == "DELETE") return state_->del(request, *reply);
  if (request.method == "OPTIONS") return reply->respond({204, {}, {}, kPreflight});
  refuse(*reply, {{}, {{kLegacyTransport, "Method Not Allowed", {}}, 405}}, kAllow);
}

void Endpoint::endStreams() {
  state_->sessions.endStreams();
  state_->server.audience.endOverHttp();
}
void Endpoint::close() {
  state_->sessions.endAll();
}
std::size_t Endpoint::sessionCount() const {
  return state_->sessions.size();
}

}  // namespace tutti::mcp::http
