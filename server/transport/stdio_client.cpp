#include "server/transport/stdio_client.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "server/base/file.hpp"
#include "server/mcp/client/client.hpp"
#include "server/transport/line_splitter.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::transport {

namespace asio = boost::asio;
using boost::system::error_code;
using Wait = asio::posix::descriptor_base;

namespace {
void setNonBlocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}
}  // namespace

struct StdioClient::Impl : std::enable_shared_from_this<StdioClient::Impl> {
  Impl(asio::io_context& given, Fd from, Fd to, StdioClientOptions chosen)
      : io(given),
        options(chosen),
        input(given),
        output(given),
        lines(chosen.line_bytes_max),
        tick(given, [this] { onTick(); }),
        resume(given, [this] { waitInput(); }) {
    setNonBlocking(from.get());
    setNonBlocking(to.get());
    input.assign(from.release());
    output.assign(to.release());
  }

  void waitInput();
  void readBlock();
  void serveLines();
  void flush();
  void breakOff(std::string what, std::string hint);
  void onTick() const {
    if (client != nullptr) client->tick();
  }
  bool overRate(std::size_t size);
  void stop();

  asio::io_context& io;
  const StdioClientOptions options;
  asio::posix::stream_descriptor input;
  asio::posix::stream_descriptor output;
  LineSplitter lines;
  Wakeup tick;
  Wakeup resume;
  mcp::client::Client* client = nullptr;
  std::string out;
  std::size_t out_sent = 0;
  bool flush_scheduled = false;
  bool waiting_writable = false;
  bool close_when_sent = false;
  std::int64_t second = 0;  // the one that `second_bytes` were read in
  std::size_t second_bytes = 0;
};

void StdioClient::Impl::waitInput() {
  if (client == nullptr) return;
  input.async_wait(Wait::wait_read, [self = shared_from_this()](error_code error) {
    if (!error) self->readBlock();
  });
}

bool StdioClient::Impl::overRate(std::size_t size) {
  const std::int64_t now = steadyMs() / 1000;
  if (now != std::exchange(second, now)) second_bytes = 0;
  second_bytes += size;
  return second_bytes > options.input_bytes_per_s_max;
}

void StdioClient::Impl::readBlock() {
  if (client == nullptr) return;
  const auto room = lines.room();
  const ssize_t size = ::read(input.native_handle(), room.data(), room.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return waitInput();
  if (size < 0) return breakOff("cannot read from the server: " + errnoText(errno), {});
  if (size == 0) {
    lines.finish();
    serveLines();
    return breakOff("the server closed its output", "see what it says on stderr");
  }
  lines.received(static_cast<std::size_t>(size));
  serveLines();
  if (overRate(static_cast<std::size_t>(size))) return resume.at((second + 1) * 1000);
  waitInput();
}

void StdioClient::Impl::serveLines() {
  while (client != nullptr) {
    const auto item = lines.next();
    if (item.kind == LineSplitter::Kind::None) return;
    if (item.kind == LineSplitter::Kind::Oversized)
      client->receiveOversized();
    else
      client->receive(item.text);
  }
}

void StdioClient::Impl::flush() {
  while (client != nullptr && !waiting_writable && out_sent < out.size()) {
    const ssize_t size =
        ::write(output.native_handle(), out.data() + out_sent, out.size() - out_sent);
    if (size >= 0) {
      out_sent += static_cast<std::size_t>(size);
      continue;
    }
    if (errno == EINTR) continue;
    // A server that closed its input may still have answers for us; the end of its output decides.
    if (errno != EAGAIN) {
      out_sent = out.size();
      break;
    }
    waiting_writable = true;
    output.async_wait(Wait::wait_write, [self = shared_from_this()](error_code error) {
      self->waiting_writable = false;
      if (!error) self->flush();
    });
  }
  if (out_sent < out.size()) return;
  constexpr std::size_t kKeptBytesMax = 256U * 1024;
  if (out.capacity() > kKeptBytesMax) out = std::string();
  out.clear();
  out_sent = 0;
  error_code ignored;
  if (close_when_sent) output.close(ignored);
}

void StdioClient::Impl::breakOff(std::string what, std::string hint) {
  mcp::client::Client* told = client;
  stop();
  if (told != nullptr)
    told->lost(Error(Code::Unavailable, std::move(what), std::move(hint)).named("server_lost"));
}

void StdioClient::Impl::stop() {
  client = nullptr;
  tick.stop();
  resume.stop();
  error_code ignored;
  input.close(ignored);
  output.close(ignored);
}

StdioClient::StdioClient(asio::io_context& io, Fd from_server, Fd to_server,
                         StdioClientOptions options)
    : impl_(std::make_shared<Impl>(io, std::move(from_server), std::move(to_server), options)) {}

StdioClient::~StdioClient() {
  impl_->stop();
}

void StdioClient::start(mcp::client::Client& client) {
  impl_->client = &client;
  impl_->waitInput();
}

void StdioClient::closeInput() {
  impl_->close_when_sent = true;
  impl_->flush();
}

void StdioClient::stop() {
  impl_->stop();
}

void StdioClient::send(mcp::client::Outgoing message) {
  Impl& impl = *impl_;
  if (impl.client == nullptr || impl.close_when_sent) return;
  impl.out.append(message.text).push_back('\n');
  if (std::exchange(impl.flush_scheduled, true)) return;
  asio::post(impl.io, [self = impl_] {
    self->flush_scheduled = false;
    self->flush();
    if (self->out.size() - self->out_sent > self->options.output_bytes_max)
      self->breakOff("the server does not read: output_bytes_max are waiting for it",
                     "it hangs, or is slower than its callers");
  });
}

void StdioClient::withdraw(const rpc::Id&) {}

std::int64_t StdioClient::nowMs() const {
  return steadyMs();
}

void StdioClient::wakeAt(std::int64_t at_ms) {
  impl_->tick.at(at_ms);
}

}  // namespace tutti::transport
