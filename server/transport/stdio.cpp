// MCP on a pair of descriptors. Blocks are read when there is something to read, lines are answered
// in order of arrival, and the answers of one block leave together, or in steps when they are many.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/mcp/connection.hpp"
#include "server/transport/line_splitter.hpp"
#include "server/transport/readiness.hpp"
#include "server/transport/transport.hpp"

namespace tutti::transport {
namespace {

namespace asio = boost::asio;

constexpr int kBlocksMax = 4;              // read in one turn
constexpr std::size_t kEarlyBytes = 4096;  // answers that leave before their block is done

/// How to write without ever blocking the event loop, as far as the kind of output allows.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return;
    is_socket_ = S_ISSOCK(info.st_mode);
    // A pipe has no flag per write before Linux 6.4, so its open file gets one, and loses it again.
    // A terminal is left alone: its open file is the shell's too.
    if (S_ISFIFO(info.st_mode)) flags_ = ::fcntl(fd, F_GETFL);
    if (flags_ >= 0) ::fcntl(fd, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~Output() { restore(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void restore() {
    if (flags_ >= 0) ::fcntl(fd_, F_SETFL, flags_);
    flags_ = -1;
  }
  ssize_t write(const char* data, std::size_t size) const {
    if (is_socket_) return ::send(fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return ::write(fd_, data, size);
  }

 private:
  const int fd_;
  int flags_ = -1;
  bool is_socket_ = false;
};

}  // namespace

struct StdioServer::Impl : std::enable_shared_from_this<StdioServer::Impl> {
  /// Outlives the server when a tool holds on to its call.
  struct Pipe final : mcp::Exchange {
    explicit Pipe(Impl* given) : owner(given) {}
    void notify(std::string frame) override {
      if (owner != nullptr) owner->queue(frame);
    }
    void reply(std::string frame, int) override {
      if (owner != nullptr) owner->queue(frame);
    }
    void abandon() override {}
    Impl* owner;
  };

  Impl(asio::io_context& given_io, mcp::Server& server, StdioOptions given,
       std::function<void()> on_closed)
      : io(given_io),
        options(std::move(given)),
        closed(std::move(on_closed)),
        pipe(std::make_shared<Pipe>(this)),
        connection(server, pipe, {options.agent_session_id}),
        output(options.output_fd),
        readable(io, options.input_fd, Readiness::Direction::Read),
        writable(io, options.output_fd, Readiness::Direction::Write),
        hangup(io, options.output_fd, Readiness::Direction::Hangup),
        lines(options.line_bytes_max) {}
  ~Impl() { pipe->owner = nullptr; }

  void waitInput();
  void readInput();
  bool readBlock();
  void serveLines();
  void resume();
  void queue(std::string_view frame);
  void giveUp();
  void scheduleFlush();
  void flush();
  void watchReader();
  void breakOff(std::string_view reason);
  void finishIfDone();
  void stop();

  std::size_t unsent() const { return out.size() - out_sent; }

  asio::io_context& io;
  const StdioOptions options;
  std::function<void()> closed;
  std::shared_ptr<Pipe> pipe;
  mcp::Connection connection;
  Output output;
  Readiness readable;
  Readiness writable;
  Readiness hangup;
  LineSplitter lines;
  std::string out;
  std::size_t out_sent = 0;
  bool started = false;
  bool serving = false;  // answers queue up until the turn ends
  bool flush_scheduled = false;
  bool waiting_input = false;
  bool waiting_writable = false;
  bool paused = false;  // the client does not read its answers
  bool eof = false;
  bool broken = false;    // nobody reads the output
  bool given_up = false;  // the same, and the end is under way
  bool stopped = false;
};

void StdioServer::Impl::waitInput() {
  if (stopped || eof || paused || waiting_input) return;
  waiting_input = true;
  readable.wait([this] {
    waiting_input = false;
    readInput();
  });
}

/// A busy client has sent more by the time its last block is answered. Looking costs less than
/// waiting, but other work must get its turn too.
void StdioServer::Impl::readInput() {
  const auto kept = shared_from_this();
  for (int block = 0; block < kBlocksMax; ++block)
    if (!readBlock()) break;
  waitInput();
}

/// False when there is nothing to read at the moment, or no use in reading.
bool StdioServer::Impl::readBlock() {
  if (stopped || eof || paused) return false;
  // The descriptor may block, so it is only read when it certainly has something.
  pollfd ready{options.input_fd, POLLIN, 0};
  if (readable.pollable() && ::poll(&ready, 1, 0) == 0) return false;
  const auto room = lines.room();
  const ssize_t size = ::read(options.input_fd, room.data(), room.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (size < 0) log::warning("cannot read the input", {{"reason", errnoText(errno)}});
  if (size > 0) {
    lines.received(static_cast<std::size_t>(size));
  } else {
    eof = true;
    lines.finish();
    watchReader();
  }
  serveLines();
  return true;
}

/// The input has ended. Answers that are due are still worth waiting for, but only while somebody
/// could read them: a client that is gone altogether must not leave us behind.
void StdioServer::Impl::watchReader() {
  if (!hangup.pollable()) return;
  hangup.wait([this] {
    const auto kept = shared_from_this();
    if (stopped || broken) return;
    breakOff(errnoText(EPIPE));
    finishIfDone();
  });
}

void StdioServer::Impl::serveLines() {
  serving = true;
  while (!stopped && !broken) {
    paused = unsent() >= options.output_bytes_max;
    if (paused) break;
    const auto item = lines.next();
    if (item.kind == LineSplitter::Kind::None) break;
    if (item.kind == LineSplitter::Kind::Oversized)
      connection.receiveOversized(options.line_bytes_max);
    else
      connection.receive(item.text);
    // The client may as well read and ask on while the rest of its block is answered.
    if (unsent() >= kEarlyBytes && !waiting_writable) flush();
  }
  serving = false;
  if (eof && !paused) connection.inputEnded();
  flush();
}

/// The client reads its answers again.
void StdioServer::Impl::resume() {
  serveLines();
  waitInput();
}

void StdioServer::Impl::queue(std::string_view frame) {
  if (broken || stopped || given_up) return;
  out.append(frame).push_back('\n');
  if (options.backlog_bytes_max != 0 && unsent() > options.backlog_bytes_max) return giveUp();
  if (!serving) scheduleFlush();
}

/// It does not read what is due to it, and pausing is no way out: what it is told of does not come
/// from its own requests alone. Whoever queues may stand in the middle of anything, so that the
/// calls under way end later.
void StdioServer::Impl::giveUp() {
  log::warning("a client does not read what is sent to it and is given up",
               {{"backlog_bytes_max", options.backlog_bytes_max}});
  given_up = true;
  out = std::string();
  out_sent = 0;
  asio::post(io, [self = shared_from_this()] {
    if (self->stopped) return;
    self->breakOff("it does not read");
    self->finishIfDone();
  });
}

void StdioServer::Impl::scheduleFlush() {
  if (flush_scheduled) return;
  flush_scheduled = true;
  asio::post(io, [self = shared_from_this()] {
    self->flush_scheduled = false;
    self->flush();
  });
}

void StdioServer::Impl::flush() {
  while (!stopped && !waiting_writable && unsent() > 0) {
    const ssize_t size = output.write(out.data() + out_sent, unsent());
    if (size >= 0) {
      out_sent += static_cast<std::size_t>(size);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      breakOff(errnoText(errno));
      break;
    }
    waiting_writable = true;
    writable.wait([this] {
      const auto kept = shared_from_this();
      waiting_writable = false;
      flush();
    });
  }
  if (unsent() == 0) {
    constexpr std::size_t kKeptBytesMax = 1024U * 1024;
    if (out.capacity() > kKeptBytesMax) out = std::string();
    out.clear();
    out_sent = 0;
  } else if (out_sent > out.size() / 2) {
    out.erase(0, out_sent);
    out_sent = 0;
  }
  if (paused && !serving && unsent() <= options.output_bytes_max / 2) {
    paused = false;
    const auto kept = shared_from_this();
    asio::post(io, [kept] { kept->resume(); });
  }
  finishIfDone();
}

/// Nobody reads any more: there is no one left to serve.
void StdioServer::Impl::breakOff(std::string_view reason) {
  log::info("the client is gone", {{"reason", reason}});
  broken = true;
  paused = false;
  eof = true;
  out.clear();
  out_sent = 0;
  connection.close();
}

void StdioServer::Impl::finishIfDone() {
  if (!started || stopped || serving || paused) return;
  if (!broken && (!eof || !connection.idle() || unsent() > 0)) return;
  output.restore();
  stopped = true;
  readable.cancel();
  writable.cancel();
  hangup.cancel();
  if (closed) asio::post(io, std::exchange(closed, nullptr));
}

void StdioServer::Impl::stop() {
  stopped = true;
  closed = nullptr;
  pipe->owner = nullptr;
  connection.onIdle(nullptr);
  connection.close();
  output.restore();
  readable.cancel();
  writable.cancel();
  hangup.cancel();
}

StdioServer::StdioServer(asio::io_context& io, mcp::Server& server, StdioOptions options,
                         std::function<void()> closed)
    : impl_(std::make_shared<Impl>(io, server, std::move(options), std::move(closed))) {}

StdioServer::~StdioServer() {
  impl_->stop();
}

void StdioServer::notify(const std::string& frame) {
  impl_->queue(frame);
}

void StdioServer::start() {
  Impl& impl = *impl_;
  impl.started = true;
  impl.connection.onIdle([&impl] { impl.scheduleFlush(); });
  impl.connection.onLost([&impl] {
    const auto kept = impl.shared_from_this();
    impl.breakOff("it does not answer pings");
    impl.finishIfDone();
  });
  impl.waitInput();
}

}  // namespace tutti::transport
