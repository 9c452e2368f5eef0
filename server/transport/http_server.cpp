#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/mcp/error_map.hpp"
#include "server/mcp/http/endpoint.hpp"
#include "server/mcp/http/guard.hpp"
#include "server/rpc/codec.hpp"
#include "server/transport/http_connection.hpp"
#include "server/transport/http_head.hpp"
#include "server/transport/transport.hpp"

namespace tutti::transport {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using mcp::http::Header;
using mcp::http::HttpReply;
using mcp::http::HttpRequest;

std::int64_t steadySeconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

void refuse(HttpReply& reply, int status, std::string message, std::string_view extra = {}) {
  const std::string body =
      rpc::errorFrame({}, {mcp::kLegacyTransport, std::move(message), std::string()});
  reply.respond({status, "application/json", body, extra});
}

Error bindError(const HttpOptions& options, const error_code& ec) {
  const std::string place = options.host + ":" + std::to_string(options.port);
  if (ec == asio::error::address_in_use)
    return Error(Code::Conflict, "the address " + place + " is in use",
                 "stop what uses it, or choose another port")
        .named("address_in_use");
  return Error(Code::Internal, "cannot listen on " + place + ": " + errnoText(ec.value()))
      .named("listen_failed");
}

}  // namespace

struct HttpServer::Impl : ConnectionOwner, std::enable_shared_from_this<HttpServer::Impl> {
  Impl(asio::io_context& given_io, mcp::Server& server, HttpOptions given)
      : io(given_io),
        options(std::move(given)),
        endpoint(server, {options.sessions_max}),
        guard(options.allowed_hosts, options.allowed_origins),
        acceptor(io),
        timer(io) {}

  Status listen();
  void accept();
  void acceptAll();
  bool admit(Fd socket);
  void armTimer();
  void tick();
  void startDrain(std::function<void()> callback);
  void checkDrained();
  void close();

  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) override;
  bool draining() const override { return drains; }
  void closed(HttpConnection& connection) override;

  asio::io_context& io;
  const HttpOptions options;
  mcp::http::Endpoint endpoint;
  const mcp::http::Guard guard;
  tcp::acceptor acceptor;
  asio::steady_timer timer;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::function<void()> drained;
  std::uint16_t port = 0;
  bool drains = false;
  bool timer_armed = false;
  bool accept_paused = false;
};

Status HttpServer::Impl::listen() {
  error_code ec;
  const std::string& host = options.host == "localhost" ? "127.0.0.1" : options.host;
  const auto address = asio::ip::make_address(host, ec);
  if (ec)
    return Error(Code::InvalidArgument, "'" + options.host + "' is not an IP address",
                 "listen on 127.0.0.1, ::1, 0.0.0.0 or an address of this machine");
  const tcp::endpoint place(address, options.port);
  acceptor.open(place.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(place, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) acceptor.native_non_blocking(true, ec);
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
    return bindError(options, ec);
  }
  port = acceptor.local_endpoint(ec).port();
  accept();
  return ok();
}

void HttpServer::Impl::accept() {
  acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](error_code ec) {
    if (ec || !self->acceptor.is_open()) return;
    self->acceptAll();
  });
}

void HttpServer::Impl::acceptAll() {
  constexpr int kAcceptsPerTurn = 64;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    // accept4, since sockets must not reach the agents that this process starts.
    Fd socket(::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    log::warning("cannot accept a connection", {{"reason", errnoText(errno)}});
    accept_paused = true;  // out of descriptors: the next tick tries again
    return armTimer();
  }
  accept();
}

bool HttpServer::Impl::admit(Fd socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connections.size() >= options.connections_max) {
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
    return false;
  }
  const ConnectionLimits limits{{options.header_bytes_max, options.body_bytes_max},
                                options.idle_max_s,
                                options.request_max_s};
  auto connection = HttpConnection::create(io, std::move(socket), *this, limits, steadySeconds());
  connections.emplace(connection.get(), connection);
  connection->start();
  armTimer();
  return true;
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
  if (std::exchange(accept_paused, false) && acceptor.is_open()) accept();
  if (!connections.empty()) armTimer();
}

void HttpServer::Impl::handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (request.contradictory())
    return refuse(*reply, 400, "Bad Request: a header is given twice with different values");
  if (const auto why = guard.refusal(request)) return refuse(*reply, 403, "Forbidden: " + *why);
  const std::string_view path = request.path();
  if (path == options.mcp_path) return endpoint.handle(request, reply);
  if (path != "/health") return refuse(*reply, 404, "Not Found: MCP is at " + options.mcp_path);
  if (request.method != "GET" && request.method != "HEAD")
    return refuse(*reply, 405, "Method Not Allowed", "Allow: GET, HEAD\r\n");
  const std::string body = options.health ? options.health() : R"({"status":"ok"})";
  reply->respond({200, "application/json", body, {}});
}

void HttpServer::Impl::closed(HttpConnection& connection) {
  connections.erase(&connection);
  checkDrained();
}

void HttpServer::Impl::startDrain(std::function<void()> callback) {
  drained = std::move(callback);
  if (!drains) {
    drains = true;
    error_code ignored;
    acceptor.close(ignored);
    endpoint.endStreams();
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
  error_code ignored;
  acceptor.close(ignored);
  timer.cancel();
  const auto all = std::exchange(connections, {});
  for (const auto& [key, connection] : all) connection->abort();
  endpoint.close();
}

HttpServer::HttpServer(asio::io_context& io, mcp::Server& server, HttpOptions options)
    : impl_(std::make_shared<Impl>(io, server, std::move(options))) {}
HttpServer::~HttpServer() {
  impl_->close();
}
Status HttpServer::start() {
  return impl_->listen();
}
std::uint16_t HttpServer::port() const {
  return impl_->port;
}
void HttpServer::drain(std::function<void()> drained) {
  impl_->startDrain(std::move(drained));
}

}  // namespace tutti::transport
