// Where clients come in: a TCP address or a Unix socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

/// Hands on connected, non-blocking, close-on-exec sockets. When descriptors run out it waits a
/// second and tries again. Runs on the I/O thread only.
class Listener {
 public:
  Listener(boost::asio::io_context& io, std::function<void(Fd)> accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// `host` is an IP address or localhost. Errors: InvalidArgument for anything else, Conflict
  /// "address_in_use", Internal "listen_failed".
  Status listenTcp(const std::string& host, std::uint16_t port);
  /// A socket file that only this user may connect to. One that a dead server has left is replaced.
  /// Errors: InvalidArgument "socket_path" when the path is too long or no socket, Conflict
  /// "address_in_use" when somebody listens there, Internal "listen_failed".
  Status listenUnix(const std::string& path);

  /// Of TCP, after listenTcp(); else 0.
  std::uint16_t port() const;
  /// Accepts no more, and removes the socket file. Idempotent.
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::transport
