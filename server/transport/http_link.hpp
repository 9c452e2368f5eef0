// Connections of ours to one HTTP server, plain or under TLS, used again as long as they last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

class TlsClientContext;

/// Where a server is. Its parts as they go into a request.
struct HttpAddress {
  bool tls = false;
  std::string host;  ///< without brackets
  std::string port = "80";
  std::string target = "/";

  /// Errors: InvalidArgument.
  static Result<HttpAddress> parse(std::string_view url);
  std::string hostHeader() const;
  /// "https://host:port"
  std::string origin() const;
};

/// One connection. Callbacks never run from within the call that names them; after close() none
/// does. One operation at a time. Runs on the I/O thread only.
class HttpLink {
 public:
  using Done = std::function<void(Status)>;
  using Received = std::function<void(Result<std::string_view>)>;  ///< empty: the end
  virtual ~HttpLink() = default;

  /// Connects if it is not connected yet. Errors: Unavailable "http_unreachable", "tls_failed".
  virtual void open(std::int64_t max_ms, Done done) = 0;
  virtual void write(std::string bytes, std::int64_t max_ms, Done done) = 0;
  /// `max_ms` 0: however long it takes.
  virtual void read(std::int64_t max_ms, Received received) = 0;
  virtual void close() = 0;
};

/// Thinks of idle connections. Runs on the I/O thread only.
class HttpLinks {
 public:
  struct Options {
    std::string ca_file;  ///< PEM; instead of what the system trusts
    /// Null: made from `ca_file`, which takes milliseconds. Given, it counts and not `ca_file`.
    std::shared_ptr<TlsClientContext> tls;
    std::size_t idle_max = 8;      ///< connections that are kept
    std::int64_t idle_ms = 4'000;  ///< how long; many servers close after five seconds
  };
  /// Errors: those of TlsClientContext::load().
  static Result<std::shared_ptr<HttpLinks>> create(boost::asio::io_context& io, HttpAddress address,
                                                   Options options);
  virtual ~HttpLinks() = default;
  virtual const HttpAddress& address() const = 0;
  /// One that is still connected, as far as can be told, or a new one.
  virtual std::shared_ptr<HttpLink> take() = 0;
  /// `link` has had its answer in full and nothing beyond it.
  virtual void keep(std::shared_ptr<HttpLink> link) = 0;
};

}  // namespace tutti::transport
