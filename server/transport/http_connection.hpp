// One HTTP client: requests in order, one answer at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"
#include "server/mcp/http/message.hpp"
#include "server/transport/http_reader.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

class HttpConnection;
class TlsSession;

struct ConnectionLimits {
  ReaderLimits reader;
  std::int64_t idle_max_s = 75;
  std::int64_t request_max_s = 30;
};

/// What a connection needs of its server, which outlives it or calls close() first.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void handle(const mcp::http::HttpRequest& request,
                      const std::shared_ptr<mcp::http::HttpReply>& reply) = 0;
  /// May the request reach a service? False: `reply` has the answer.
  virtual bool admits(const mcp::http::HttpRequest& request,
                      const std::shared_ptr<mcp::http::HttpReply>& reply) = 0;
  virtual const HttpRoutes& routes() const = 0;
  /// Has every request that is admitted borne a token?
  virtual bool demandsToken() const = 0;
  virtual bool draining() const = 0;
  /// The socket is closed and nothing more will come from `connection`.
  virtual void closed(HttpConnection& connection) = 0;
};

/// Reads, hands each request to the owner, writes its answer, reads on. While an answer is pending
/// the socket is watched for the client's leaving. Runs on the I/O thread only.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  /// `socket` is a connected, non-blocking stream socket; with `tls`, what it carries is sealed.
  /// `now_s` is the owner's clock, see tick().
  static std::shared_ptr<HttpConnection> create(boost::asio::io_context& io, Fd socket,
                                                ConnectionOwner& owner,
                                                const ConnectionLimits& limits,
                                                std::unique_ptr<TlsSession> tls,
                                                std::int64_t now_s);
  virtual ~HttpConnection() = default;

  virtual void start() = 0;
  /// Once a second: enforces the time limits and keeps streams alive.
  virtual void tick(std::int64_t now_s) = 0;
  /// Closes as soon as no answer is due.
  virtual void drain() = 0;
  /// Closes now. The owner is not called any more.
  virtual void abort() = 0;
};

}  // namespace tutti::transport
