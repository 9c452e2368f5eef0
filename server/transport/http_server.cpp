#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/string.hpp>
#include <chrono>
#include <optional>
#include <unordered_map>
#include <utility>

#include "server/base/digest.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/error_map.hpp"
#include "server/mcp/http/endpoint.hpp"
#include "server/mcp/http/guard.hpp"
#include "server/mcp/http/sse_endpoint.hpp"
#include "server/rpc/codec.hpp"
#include "server/transport/http_connection.hpp"
#include "server/transport/http_head.hpp"
#include "server/transport/http_routes.hpp"
#include "server/transport/http_service.hpp"
#include "server/transport/listener.hpp"
#include "server/transport/tls.hpp"
#include "server/transport/transport.hpp"

namespace tutti::transport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using mcp::http::Header;
using mcp::http::HttpReply;

/// The answer to a page that asks before it calls a service.
constexpr std::string_view kServicePreflight =
    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n"
    "Access-Control-Allow-Headers: Accept, Authorization, Content-Type, Last-Event-ID, Range, "
    "If-Match, If-None-Match, If-Modified-Since, If-Range, If-Unmodified-Since, Idempotency-Key, "
    "X-Context-Store-Partition-Auto-Create\r\n"
    "Access-Control-Max-Age: 600\r\n";

std::int64_t steadySeconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// How a refusal is written: as MCP's clients read it, or as FastAPI's, {"detail": …}.
enum class RefusalForm { JsonRpc, Detail };

std::string refusalBody(RefusalForm form, std::string message) {
  if (form == RefusalForm::JsonRpc)
    return rpc::errorFrame({}, {mcp::kLegacyTransport, std::move(message), std::string()});
  std::string body = "{\"detail\":";
  appendJsonString(body, message);
  return body + "}";
}

void refuse(HttpReply& reply, RefusalForm form, int status, std::string message,
            std::string_view extra = {}) {
  const std::string body = refusalBody(form, std::move(message));
  reply.respond({status, "application/json", body, extra});
}

/// The token of `Bearer TOKEN`; the scheme in any case, as RFC 7235 has it.
std::optional<std::string_view> bearerToken(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (!boost::beast::iequals({header.data(), std::min(header.size(), kScheme.size())},
                             {kScheme.data(), kScheme.size()}))
    return std::nullopt;
  header.remove_prefix(kScheme.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

mcp::http::EndpointOptions endpointOptions(const HttpOptions& options) {
  mcp::http::EndpointOptions made;
  made.sessions.sessions_max = options.sessions_max;
  made.sessions.idle_max = std::chrono::seconds(options.session_idle_max_s);
  return made;
}

mcp::http::SseOptions sseOptions(const HttpOptions& options) {
  mcp::http::SseOptions made;
  made.path = options.sse_path;
  made.sessions_max = options.sessions_max;
  return made;
}

}  // namespace

struct HttpServer::Impl : ConnectionOwner, std::enable_shared_from_this<HttpServer::Impl> {
  Impl(asio::io_context& given_io, mcp::Server* server, HttpOptions given)
      : io(given_io),
        options(std::move(given)),
        guard(options.allowed_hosts, options.allowed_origins),
        listener(io, [this](Fd socket) { admit(std::move(socket)); }),
        timer(io) {
    routed.keepBack("/health");
    if (server == nullptr) return;
    endpoint.emplace(*server, endpointOptions(options));
    routed.keepBack(options.mcp_path);
    if (options.sse_path.empty()) return;
    sse.emplace(*server, sseOptions(options));
    routed.keepBack(options.sse_path);
  }

  Status listen();
  void admit(Fd socket);
  bool authorized(const mcp::http::HttpRequest& request, HttpReply& reply, RefusalForm form) const;
  bool guarded(const mcp::http::HttpRequest& request, HttpReply& reply, RefusalForm form) const;
  void armTimer();
  void tick();
  void startDrain(std::function<void()> callback);
  void checkDrained();
  void close();

  void handle(const mcp::http::HttpRequest& request,
              const std::shared_ptr<HttpReply>& reply) override;
  bool admits(const mcp::http::HttpRequest& request,
              const std::shared_ptr<HttpReply>& reply) override;
  const HttpRoutes& routes() const override { return routed; }
  bool demandsToken() const override { return !options.token.empty(); }
  bool draining() const override { return drains; }
  void closed(HttpConnection& connection) override;

  asio::io_context& io;
  const HttpOptions options;
  std::optional<mcp::http::Endpoint> endpoint;  // without MCP: none
  std::optional<mcp::http::SseEndpoint> sse;
  HttpRoutes routed;
  const mcp::http::Guard guard;
  std::unique_ptr<TlsContext> tls;  // null: plain
  Listener listener;
  asio::steady_timer timer;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::function<void()> drained;
  bool drains = false;
  bool timer_armed = false;
};

Status HttpServer::Impl::listen() {
  if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
    auto loaded = TlsContext::load(options.tls_certificate, options.tls_key);
    if (!loaded.ok()) return std::move(loaded).error();
    tls = std::move(*loaded);
  }
  return options.socket_path.empty() ? listener.listenTcp(options.host, options.port)
                                     : listener.listenUnix(options.socket_path);
}

void HttpServer::Impl::admit(Fd socket) {
  if (connections.size() >= options.connections_max) {
    // In the clear even to a TLS client: a handshake would be one more connection's work.
    const std::string body = rpc::errorFrame(
        {}, mcp::overloaded("connections_max", options.connections_max, "try again later").body);
    Head head;
    head.status = 503;
    head.content_type = "application/json";
    head.content_length = body.size();
    head.close = true;
    std::string answer;
    appendHead(answer, head);
    answer += body;
    ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(socket.get(), SHUT_WR);
    return;
  }
  const ConnectionLimits limits{{options.header_bytes_max, options.body_bytes_max},
                                options.idle_max_s,
                                options.request_max_s};
  auto connection = HttpConnection::create(io, std::move(socket), *this, limits,
                                           tls ? tls->accept() : nullptr, steadySeconds());
  connections.emplace(connection.get(), connection);
  connection->start();
  armTimer();
}

void HttpServer::Impl::armTimer() {
  if (timer_armed) return;
  timer_armed = true;
  timer.expires_after(std::chrono::seconds(1));
  timer.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_armed = false;
    if (!ec) self->tick();
  });
}

void HttpServer::Impl::tick() {
  const std::int64_t now_s = steadySeconds();
  std::vector<std::shared_ptr<HttpConnection>> all;
  all.reserve(connections.size());
  for (const auto& [key, connection] : connections) all.push_back(connection);
  for (const auto& connection : all) connection->tick(now_s);
  if (!connections.empty()) armTimer();
}

/// What is asked of every request. False: `reply` says what was wrong.
bool HttpServer::Impl::guarded(const mcp::http::HttpRequest& request, HttpReply& reply,
                               RefusalForm form) const {
  if (request.contradictory()) {
    refuse(reply, form, 400, "Bad Request: a header is given twice with different values");
    return false;
  }
  const auto why = guard.refusal(request);
  if (why) refuse(reply, form, 403, "Forbidden: " + *why);
  return !why;
}

bool HttpServer::Impl::admits(const mcp::http::HttpRequest& request,
                              const std::shared_ptr<HttpReply>& reply) {
  if (!guarded(request, *reply, RefusalForm::Detail)) return false;
  if (request.method != "OPTIONS" || !request.header(Header::PreflightMethod))
    return authorized(request, *reply, RefusalForm::Detail);
  reply->respond({204, {}, {}, kServicePreflight});
  return false;
}

void HttpServer::Impl::handle(const mcp::http::HttpRequest& request,
                              const std::shared_ptr<HttpReply>& reply) {
  const RefusalForm form = endpoint ? RefusalForm::JsonRpc : RefusalForm::Detail;
  if (!guarded(request, *reply, form)) return;
  const std::string_view path = request.path();
  if (endpoint && path == options.mcp_path) {
    // A preflight cannot bear a token, and tells nothing that needs one.
    if (request.method != "OPTIONS" && !authorized(request, *reply, form)) return;
    return endpoint->handle(request, reply);
  }
  if (sse && path == sse->path()) {
    if (authorized(request, *reply, form)) sse->handle(request, reply);
    return;
  }
  if (path != "/health")
    return refuse(*reply, form, 404,
                  endpoint ? "Not Found: MCP is at " + options.mcp_path : "Not Found");
  if (request.method != "GET" && request.method != "HEAD")
    return refuse(*reply, form, 405, "Method Not Allowed", "Allow: GET, HEAD\r\n");
  const std::string body = options.health ? options.health() : R"({"status":"ok"})";
  reply->respond({200, "application/json", body, {}});
}

bool HttpServer::Impl::authorized(const mcp::http::HttpRequest& request, HttpReply& reply,
                                  RefusalForm form) const {
  if (options.token.empty()) return true;
  const auto& header = request.header(Header::Authorization);
  const auto given = header ? bearerToken(*header) : std::nullopt;
  if (given && sameSecret(*given, options.token)) return true;
  const bool wrong = header.has_value();
  refuse(reply, form, 401,
         wrong ? "Unauthorized: the bearer token is not the one this server was started with"
               : "Unauthorized: send 'Authorization: Bearer TOKEN' with this server's token",
         wrong ? "WWW-Authenticate: Bearer realm=\"tutti\", error=\"invalid_token\"\r\n"
               : "WWW-Authenticate: Bearer realm=\"tutti\"\r\n");
  return false;
}

void HttpServer::Impl::closed(HttpConnection& connection) {
  connections.erase(&connection);
  checkDrained();
}

void HttpServer::Impl::startDrain(std::function<void()> callback) {
  drained = std::move(callback);
  if (!drains) {
    drains = true;
    listener.close();
    if (endpoint) endpoint->endStreams();
    if (sse) sse->endAll();
    for (HttpService* service : routed.services()) service->drain();
    std::vector<std::shared_ptr<HttpConnection>> all;
    for (const auto& [key, connection] : connections) all.push_back(connection);
    for (const auto& connection : all) connection->drain();
  }
  checkDrained();
}

void HttpServer::Impl::checkDrained() {
  if (!drains || !connections.empty() || !drained) return;
  asio::post(io, std::exchange(drained, nullptr));
}

void HttpServer::Impl::close() {
  listener.close();
  timer.cancel();
  const auto all = std::exchange(connections, {});
  for (const auto& [key, connection] : all) connection->abort();
  if (sse) sse->endAll();
  if (endpoint) endpoint->close();
}

HttpServer::HttpServer(asio::io_context& io, mcp::Server& server, HttpOptions options)
    : impl_(std::make_shared<Impl>(io, &server, std::move(options))) {}
HttpServer::HttpServer(asio::io_context& io, HttpOptions options)
    : impl_(std::make_shared<Impl>(io, nullptr, std::move(options))) {}
HttpServer::~HttpServer() {
  impl_->close();
}
void HttpServer::addService(std::string prefix, HttpService& service) {
  impl_->routed.add(std::move(prefix), service);
}
Status HttpServer::start() {
  return impl_->listen();
}
std::uint16_t HttpServer::port() const {
  return impl_->listener.port();
}
void HttpServer::drain(std::function<void()> drained) {
  impl_->startDrain(std::move(drained));
}

}  // namespace tutti::transport
