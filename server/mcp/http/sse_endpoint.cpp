#include "server/mcp/http/sse_endpoint.hpp"

#include <unordered_map>
#include <utility>

#include "server/base/ids.hpp"
#include "server/mcp/connection.hpp"
#include "server/mcp/error_map.hpp"
#include "server/mcp/exchange.hpp"
#include "server/mcp/http/ladder.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp::http {
namespace {

constexpr int kSessionIdBytes = 24;
constexpr std::string_view kQuery = "?session_id=";

/// Everything for a client goes to its stream.
class StreamPipe final : public Exchange {
 public:
  explicit StreamPipe(std::shared_ptr<HttpReply> stream) : stream_(std::move(stream)) {}
  void notify(std::string frame) override { stream_->event({.data = frame}); }
  void reply(std::string frame, int /*http_status*/) override { stream_->event({.data = frame}); }
  void abandon() override {}
  void end() { stream_->endStream(); }

 private:
  const std::shared_ptr<HttpReply> stream_;
};

struct StreamSession {
  std::shared_ptr<StreamPipe> pipe;
  std::shared_ptr<Connection> connection;
  std::string credential;  ///< of the GET
};

void refuse(HttpReply& reply, const WireError& error, std::string_view extra_headers = {}) {
  const std::string body = rpc::errorFrame({}, error.body);
  reply.respond({error.http_status, "application/json", body, extra_headers});
}

void refuse(HttpReply& reply, int status, std::string message,
            std::string_view extra_headers = {}) {
  refuse(reply, {{kLegacyTransport, std::move(message), {}}, status}, extra_headers);
}

}  // namespace

struct SseEndpoint::State : std::enable_shared_from_this<State> {
  State(Server& given, SseOptions chosen) : server(given), options(std::move(chosen)) {}

  void open(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  void post(const HttpRequest& request, HttpReply& reply);
  void end(const std::string& id);

  Server& server;
  const SseOptions options;
  std::unordered_map<std::string, StreamSession> sessions;
};

void SseEndpoint::State::open(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (const auto refusal = checkGetHeaders(request)) return refuse(*reply, refusal->error);
  if (sessions.size() >= options.sessions_max)
    return refuse(*reply, overloaded("sessions_max", options.sessions_max,
                                     "close a stream that is no longer read, or wait"));
  const std::string id = randomHex(kSessionIdBytes);
  const auto pipe = std::make_shared<StreamPipe>(reply);
  std::string credential = credentialOf(request);
  auto connection = std::make_shared<Connection>(
      server, pipe,
      Connection::Client{std::string(request.header(Header::AgentSessionId).value_or("")),
                         credential});
  connection->onLost([this, id] {
    if (const auto found = sessions.find(id); found != sessions.end()) found->second.pipe->end();
    end(id);
  });
  sessions.emplace(id, StreamSession{pipe, std::move(connection), std::move(credential)});
  reply->openStream({});
  const std::string where = options.path + std::string(kQuery) + id;
  reply->event({.data = where, .name = "endpoint"});
  reply->onGone([weak = weak_from_this(), id] {
    if (const auto alive = weak.lock()) alive->end(id);
  });
}

void SseEndpoint::State::post(const HttpRequest& request, HttpReply& reply) {
  const auto& type = request.header(Header::ContentType);
  if (!type || !type->starts_with("application/json"))
    return refuse(reply, 415, "Unsupported Media Type: Content-Type must be application/json");
  const std::string_view query = request.target.substr(request.path().size());
  if (!query.starts_with(kQuery))
    return refuse(reply, 400,
                  "Bad Request: POST to the address that the stream's first event names");
  const auto found = sessions.find(std::string(query.substr(kQuery.size())));
  // Whoever else comes with the id learns nothing, not even that it is one.
  if (found == sessions.end() || found->second.credential != credentialOf(request))
    return refuse(reply,
                  {{kLegacySessionNotFound, "Session not found: open the stream again", {}}, 404});
  // The stream may end in here, and the session with it.
  const std::shared_ptr<Connection> connection = found->second.connection;
  connection->receive(request.body);
  reply.respond({202, {}, {}, {}});
}

void SseEndpoint::State::end(const std::string& id) {
  const auto found = sessions.find(id);
  if (found == sessions.end()) return;
  const StreamSession ended = std::move(found->second);
  sessions.erase(found);
  ended.connection->close();
}

SseEndpoint::SseEndpoint(Server& server, SseOptions options)
    : state_(std::make_shared<State>(server, std::move(options))) {}
SseEndpoint::~SseEndpoint() {
  endAll();
}

const std::string& SseEndpoint::path() const {
  return state_->options.path;
}

void SseEndpoint::handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (request.method == "GET") return state_->open(request, reply);
  if (request.method == "POST") return state_->post(request, *reply);
  refuse(*reply, 405, "Method Not Allowed", "Allow: GET, POST\r\n");
}

void SseEndpoint::endAll() {
  for (auto& [id, session] : std::exchange(state_->sessions, {})) {
    session.connection->close();
    session.pipe->end();
  }
}

std::size_t SseEndpoint::sessionCount() const {
  return state_->sessions.size();
}

}  // namespace tutti::mcp::http
