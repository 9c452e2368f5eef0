#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/runner/control.hpp"

namespace tutti::runner {
namespace {
namespace net = boost::asio;
using Socket = net::local::stream_protocol::socket;

constexpr std::size_t kLineBytesMax = 1U << 20;   ///< of one message from a host
constexpr std::size_t kQueueBytesMax = 1U << 20;  ///< unsent to a host that does not read

/// Connects within the folder through /proc/self/fd: a socket's address holds 107 bytes, a path
/// more.
Result<Fd> connectIn(const std::filesystem::path& folder) {
  const Fd directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/control.sock";
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (!directory || !fd || ::connect(fd.get(), generic, sizeof address) != 0)
    return Error(Code::Unavailable,
                 "no run-host listens in '" + folder.string() + "': " + errnoText(errno))
        .named("host_not_listening");
  return fd;
}
}  // namespace

struct HostLink::Impl {
  Impl(net::io_context& io, Handlers what) : socket(io), handlers(std::move(what)) {}

  static void read(const std::shared_ptr<Impl>& self) {
    self->socket.async_read_some(net::buffer(self->block),
                                 [self](const boost::system::error_code& error, std::size_t got) {
                                   if (self->ended) return;
                                   if (error) return self->end();
                                   self->received.append(self->block.data(), got);
                                   self->takeLines();
                                   if (self->ended) return;
                                   if (self->received.size() > kLineBytesMax) return self->end();
                                   read(self);
                                 });
  }

  void takeLines() {
    std::size_t start = 0;
    for (std::size_t end = received.find('\n'); end != std::string::npos && !ended;
         end = received.find('\n', start)) {
      const Result<Json> message =
          json::parse(std::string_view(received).substr(start, end - start));
      start = end + 1;
      if (message.ok() && message->is_object())
        handlers.message(*message);
      else
        log::warning("a run-host sent a line that is not a JSON object");
    }
    received.erase(0, start);
  }

  static void write(const std::shared_ptr<Impl>& self) {
    if (self->writing || self->queued.empty()) return;
    self->writing = true;
    self->sending.swap(self->queued);
    net::async_write(self->socket, net::buffer(self->sending),
                     [self](const boost::system::error_code& error, std::size_t) {
                       self->writing = false;
                       self->sending.clear();
                       if (self->ended) return;
                       if (error) return self->end();
                       write(self);
                     });
  }

  /// The link is over: tells once.
  void end() {
    if (ended) return;
    close();
    handlers.closed();
  }

  void close() {
    ended = true;
    boost::system::error_code ignored;
    socket.close(ignored);
  }

  Socket socket;
  const Handlers handlers;
  std::array<char, 4096> block{};
  std::string received;
  std::string queued;
  std::string sending;
  bool writing = false;
  bool ended = false;
};

HostLink::HostLink(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostLink::~HostLink() {
  impl_->close();
}

Result<std::unique_ptr<HostLink>> HostLink::connect(net::io_context& io,
                                                    const std::filesystem::path& host_folder,
                                                    Handlers handlers) {
  Result<Fd> fd = connectIn(host_folder);
  if (!fd.ok()) return fd.error();
  auto impl = std::make_shared<Impl>(io, std::move(handlers));
  boost::system::error_code error;
  impl->socket.assign(net::local::stream_protocol(), fd->get(), error);
  if (error) return Error(Code::Internal, "cannot watch the control socket");
  fd->release();
  Impl::read(impl);
  return std::unique_ptr<HostLink>(new HostLink(std::move(impl)));
}

void HostLink::send(const Json& command) {
  if (impl_->ended) return;
  impl_->queued.append(json::dump(command)).push_back('\n');
  if (impl_->queued.size() > kQueueBytesMax) {
    log::warning("a run-host does not read its commands: the link is cut");
    net::post(impl_->socket.get_executor(), [impl = impl_] { impl->end(); });
    return;
  }
  Impl::write(impl_);
}

}  // namespace tutti::runner
