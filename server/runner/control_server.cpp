#include "server/runner/control_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/log.hpp"

namespace tutti::runner {
namespace {
constexpr int kBacklog = 32;
constexpr char kSocketName[] = "control.sock";

/// Only this user's processes may command a host.
bool isOurs(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}
}  // namespace

struct ControlServer::Peer {
  Fd fd;
  std::unique_ptr<Loop::Watch> watch;  // after fd: ends first
  std::string received;
  std::string unsent;
  std::uint64_t heard_at = 0;
  bool gone = false;
};

ControlServer::ControlServer(Loop& loop, Hello hello, Handler handler, ControlLimits limits)
    : loop_(loop), hello_(std::move(hello)), handler_(std::move(handler)), limits_(limits) {}

ControlServer::~ControlServer() = default;

Status ControlServer::listen() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ioError(errno, "open a socket for", kSocketName);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(std::begin(kSocketName), std::end(kSocketName), address.sun_path);
  ::unlink(kSocketName);
  sockaddr generic{};
  static_assert(sizeof generic <= sizeof address);
  if (::bind(fd.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)),
             sizeof address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0)
    return ioError(errno, "listen on", kSocketName);
  listener_ = std::move(fd);
  listener_watch_ = loop_.watch(listener_.get());
  listener_watch_->reading([this] { acceptAll(); });
  return ok();
}

void ControlServer::acceptAll() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) break;
    if (!isOurs(fd.get())) continue;
    if (peers_.size() >= limits_.peers_max) {
      const auto silent =
          std::min_element(peers_.begin(), peers_.end(),
                           [](const auto& a, const auto& b) { return a->heard_at < b->heard_at; });
      peers_.erase(silent);
    }
    auto peer = std::make_unique<Peer>();
    peer->fd = std::move(fd);
    peer->heard_at = ++clock_;
    peer->watch = loop_.watch(peer->fd.get());
    Peer& made = *peer;
    peers_.push_back(std::move(peer));
    made.watch->reading([this, &made] { readFrom(made); });
    queue(made, json::dump(hello_()));
  }
  sweep();
}

void ControlServer::readFrom(Peer& peer) {
  char block[4096];
  const ssize_t got = ::recv(peer.fd.get(), block, sizeof block, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    peer.gone = true;
    return sweep();
  }
  peer.heard_at = ++clock_;
  peer.received.append(block, static_cast<std::size_t>(got));
  std::size_t start = 0;
  for (std::size_t end = peer.received.find('\n'); end != std::string::npos && !peer.gone;
       end = peer.received.find('\n', start)) {
    obey(peer, std::string_view(peer.received).substr(start, end - start));
    start = end + 1;
  }
  peer.received.erase(0, start);
  if (peer.received.size() > limits_.command_bytes_max) {
    log::warning("a control peer sent a command above command_bytes_max and was cut off");
    peer.gone = true;
  }
  sweep();
}

void ControlServer::obey(Peer& peer, std::string_view line) {
  const Result<Json> command = json::parse(line);
  if (command.ok() && command->is_object()) return queue(peer, json::dump(handler_(*command)));
  Json ack = Json::object();
  ack["cmd"] = nullptr;
  ack["ok"] = false;
  ack["error"] = "a command is one JSON object a line";
  Json message = Json::object();
  message["ack"] = std::move(ack);
  queue(peer, json::dump(message));
}

void ControlServer::broadcast(const Json& message) {
  const std::string line = json::dump(message);
  for (const auto& peer : peers_) queue(*peer, line);
  loop_.post([this] { sweep(); });
}

void ControlServer::queue(Peer& peer, const std::string& line) {
  if (peer.gone) return;
  if (peer.unsent.size() + line.size() > limits_.queue_bytes_max) {
    log::warning("a control peer does not read and was cut off");
    peer.gone = true;
    return;
  }
  peer.unsent.append(line).push_back('\n');
  flush(peer);
}

void ControlServer::flush(Peer& peer) {
  while (!peer.unsent.empty()) {
    const ssize_t sent =
        ::send(peer.fd.get(), peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      peer.watch->writing([this, &peer] { flush(peer); });
      return;
    }
    if (sent < 0) {
      peer.gone = true;
      return;
    }
    peer.unsent.erase(0, static_cast<std::size_t>(sent));
  }
  peer.watch->writing({});
}

void ControlServer::sweep() {
  peers_.remove_if([](const auto& peer) { return peer->gone; });
}

void ControlServer::close() {
  listener_watch_.reset();
  listener_.reset();
  for (const auto& peer : peers_) {
    if (!peer->gone) flush(*peer);
  }
  peers_.clear();
  ::unlink(kSocketName);
}

}  // namespace tutti::runner
