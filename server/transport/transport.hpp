// The two transports' entry points. Everything of Asio and Beast stays in this folder's .cpp files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/result.hpp"

namespace boost::asio {
class io_context;
}
namespace tutti::mcp {
class Server;
}

namespace tutti::transport {

struct StdioOptions {
  int input_fd = 0;
  int output_fd = 1;
  std::size_t line_bytes_max =
      16U * 1024 * 1024;  ///< a longer message is refused, not the connection
  std::size_t output_bytes_max =
      64U * 1024 * 1024;  ///< unread by the client; above it reading pauses
  /// Unread by the client; above it the client is given up, and what waits is dropped. 0: never.
  std::size_t backlog_bytes_max = 256U * 1024 * 1024;
  std::string agent_session_id;  ///< who the client is, from the environment of this process
};

/// Serves MCP on a pair of descriptors: one client, newline-delimited. Runs on the I/O thread.
class StdioServer {
 public:
  /// `closed` runs once when the input has ended and every answer that was due is written.
  StdioServer(boost::asio::io_context& io, mcp::Server& server, StdioOptions options,
              std::function<void()> closed);
  ~StdioServer();
  void start();
  /// Sends a notification of the caller's own, after what is queued.
  void notify(const std::string& frame);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

struct HttpOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;    ///< 0: any free port
  std::string socket_path;      ///< a Unix socket instead of host and port; for its owner only
  std::string token;            ///< every request but /health must bear it; empty: none
  std::string tls_certificate;  ///< PEM file; with tls_key, HTTPS instead of HTTP
  std::string tls_key;          ///< PEM file
  std::string mcp_path = "/mcp";
  std::string sse_path;  ///< of the HTTP+SSE transport of 2024-11-05; empty: it is not served
  std::size_t header_bytes_max = 32U * 1024;
  std::size_t body_bytes_max = 16U * 1024 * 1024;
  std::size_t connections_max = 4096;
  std::size_t sessions_max = 4096;  ///< legacy sessions; the least recently used idle one goes
  std::int64_t session_idle_max_s = 3600;  ///< then a legacy session ends; its next request is 404
  std::int64_t idle_max_s = 75;            ///< a keep-alive connection without a request
  std::int64_t request_max_s = 30;         ///< from a request's first byte to its last
  std::vector<std::string> allowed_hosts;  ///< Host names beside the loopback ones
  std::vector<std::string> allowed_origins;  ///< Origins beside the loopback ones
  std::function<std::string()> health;       ///< body of GET /health, JSON
};

class HttpService;

/// Serves MCP streamable HTTP at `mcp_path`, /health, and services. Runs on the I/O thread.
class HttpServer {
 public:
  HttpServer(boost::asio::io_context& io, mcp::Server& server, HttpOptions options);
  /// Without MCP: only /health and the services.
  HttpServer(boost::asio::io_context& io, HttpOptions options);
  ~HttpServer();
  /// Gives `service`, which outlives this, the paths that are `prefix` or below it ("/documents",
  /// "/documents/7"); "/" takes whatever nobody else has. The longest prefix counts; the paths of
  /// MCP stay MCP's, and /health is the server's unless just that is a prefix. Host, Origin, token,
  /// limits and drain hold as for MCP; CORS preflights are answered here. Before start().
  void addService(std::string prefix, HttpService& service);
  /// Binds and accepts. Errors: Conflict "address_in_use" naming the address, InvalidArgument for
  /// an address, a path, a certificate or a key that cannot be used, Internal otherwise. The port
  /// in use is port() afterwards; 0 on a Unix socket.
  Status start();
  std::uint16_t port() const;
  /// Stops accepting, lets requests in flight finish, then calls `drained`. Idempotent.
  void drain(std::function<void()> drained);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::transport
