#include "server/transport/listener.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <netinet/in.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/descriptor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/base/file.hpp"
#include "server/base/log.hpp"

namespace tutti::transport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Error listenError(const std::string& place, int why) {
  if (why == EADDRINUSE)
    return Error(Code::Conflict, "the address " + place + " is in use",
                 "stop what uses it, or choose another")
        .named("address_in_use");
  return Error(Code::Internal, "cannot listen on " + place + ": " + errnoText(why))
      .named("listen_failed");
}

/// Any address that bind() takes.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address tcpAddress(const asio::ip::address& ip, std::uint16_t port) {
  Address address;
  if (ip.is_v6()) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    in6.sin6_scope_id = static_cast<std::uint32_t>(ip.to_v6().scope_id());
    const auto bytes = ip.to_v6().to_bytes();
    std::memcpy(&in6.sin6_addr, bytes.data(), bytes.size());
    address.size = sizeof in6;
    return address;
  }
  auto& in4 = reinterpret_cast<sockaddr_in&>(address.storage);
  in4.sin_family = AF_INET;
  in4.sin_port = htons(port);
  in4.sin_addr.s_addr = htonl(ip.to_v4().to_uint());
  address.size = sizeof in4;
  return address;
}

Fd streamSocket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// What a crashed server has left must not keep its successor out; what is alive must.
Status makeWay(const std::string& path, const Address& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return ok();
  if (!S_ISSOCK(found.st_mode))
    return Error(Code::InvalidArgument, "'" + path + "' exists and is no socket",
                 "choose another path, or remove it")
        .named("socket_path");
  const Fd probe = streamSocket(AF_UNIX);
  const bool alive = ::connect(probe.get(), address.get(), address.size) == 0 || errno == EAGAIN;
  if (alive) return listenError(path, EADDRINUSE);
  ::unlink(path.c_str());
  return ok();
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  Impl(asio::io_context& io, std::function<void(Fd)> given)
      : accepted(std::move(given)), socket(io), retry(io) {}

  Status open(Fd listening, const Address& address, const std::string& place);
  void accept();
  void acceptAll();
  void pause();
  void close();

  std::function<void(Fd)> accepted;
  asio::posix::stream_descriptor socket;  // only waited on
  asio::steady_timer retry;
  std::string socket_path;
  std::uint16_t port = 0;
};

Status Listener::Impl::open(Fd listening, const Address& address, const std::string& place) {
  const int on = 1;
  ::setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!listening || ::bind(listening.get(), address.get(), address.size) != 0 ||
      ::listen(listening.get(), SOMAXCONN) != 0)
    return listenError(place, errno);
  error_code failed;
  socket.assign(listening.release(), failed);
  if (failed) return listenError(place, failed.value());
  accept();
  return ok();
}

void Listener::Impl::accept() {
  socket.async_wait(asio::posix::descriptor_base::wait_read,
                    [self = shared_from_this()](error_code ec) {
                      if (!ec && self->socket.is_open()) self->acceptAll();
                    });
}

void Listener::Impl::acceptAll() {
  constexpr int kAcceptsPerTurn = 64;
  for (int i = 0; i < kAcceptsPerTurn && socket.is_open(); ++i) {
    // accept4, since sockets must not reach the agents that this process starts.
    Fd client(::accept4(socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      const int on = 1;
      if (port != 0) ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      accepted(std::move(client));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    log::warning("cannot accept a connection", {{"reason", errnoText(errno)}});
    return pause();
  }
  if (socket.is_open()) accept();
}

// Out of descriptors: asking again at once would spin.
void Listener::Impl::pause() {
  retry.expires_after(std::chrono::seconds(1));
  retry.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec && self->socket.is_open()) self->acceptAll();
  });
}

void Listener::Impl::close() {
  if (!socket.is_open()) return;
  error_code ignored;
  socket.close(ignored);
  retry.cancel();
  if (!socket_path.empty()) ::unlink(socket_path.c_str());
}

Listener::Listener(asio::io_context& io, std::function<void(Fd)> accepted)
    : impl_(std::make_shared<Impl>(io, std::move(accepted))) {}

Listener::~Listener() {
  impl_->accepted = [](Fd) {};
  impl_->close();
}

Status Listener::listenTcp(const std::string& host, std::uint16_t port) {
  error_code bad;
  const auto ip = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, bad);
  if (bad)
    return Error(Code::InvalidArgument, "'" + host + "' is not an IP address",
                 "listen on 127.0.0.1, ::1, 0.0.0.0 or an address of this machine");
  const std::string place = host + ":" + std::to_string(port);
  Status opened =
      impl_->open(streamSocket(ip.is_v6() ? AF_INET6 : AF_INET), tcpAddress(ip, port), place);
  if (!opened.ok()) return opened;
  Address bound;
  bound.size = sizeof bound.storage;
  ::getsockname(impl_->socket.native_handle(), reinterpret_cast<sockaddr*>(&bound.storage),
                &bound.size);
  // The port lies at the same place in both families.
  impl_->port = ntohs(reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);
  return ok();
}

Status Listener::listenUnix(const std::string& path) {
  Address address;
  auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.size() >= sizeof local.sun_path)
    return Error(Code::InvalidArgument,
                 "the socket's path has " + std::to_string(path.size()) + " bytes, and " +
                     std::to_string(sizeof local.sun_path - 1) + " are possible: '" + path + "'",
                 "choose a shorter one")
        .named("socket_path");
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof local;
  if (Status free = makeWay(path, address); !free.ok()) return free;
  Fd listening = streamSocket(AF_UNIX);
  // Before bind(), so that there is no moment in which others may connect.
  ::fchmod(listening.get(), S_IRUSR | S_IWUSR);
  Status opened = impl_->open(std::move(listening), address, path);
  if (opened.ok()) impl_->socket_path = path;
  return opened;
}

std::uint16_t Listener::port() const {
  return impl_->port;
}
void Listener::close() {
  impl_->close();
}

}  // namespace tutti::transport
