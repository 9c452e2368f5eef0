#include "server/transport/http_connection_impl.hpp"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "server/base/log.hpp"
#include "server/transport/http_head.hpp"

namespace tutti::transport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// How long one client may keep the thread to itself. Starts with the first question.
class Turn {
 public:
  bool over() {
    const auto now = std::chrono::steady_clock::now();
    if (ends_ == Time()) ends_ = now + kTurnMax;
    return now >= ends_;
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  Time ends_;
};

/// What the core holds on to. Outlives the connection without harm.
class Reply final : public mcp::http::HttpReply {
 public:
  Reply(std::weak_ptr<Connection> connection, std::uint64_t serial)
      : connection_(std::move(connection)), serial_(serial) {}

  void respond(const mcp::http::HttpResponse& response) override {
    if (const auto connection = alive()) connection->respond(response);
  }
  void respondAround(const mcp::http::HttpResponse& response, std::string_view before,
                     std::string_view behind) override {
    if (const auto connection = alive()) connection->respond(response, before, behind);
  }
  void openStream(std::string_view extra_headers) override {
    if (const auto connection = alive()) connection->openStream(extra_headers);
  }
  void event(const mcp::http::ServerEvent& event) override {
    if (const auto connection = alive()) connection->event(event);
  }
  void endStream() override {
    if (const auto connection = alive()) connection->endStream();
  }
  void onGone(std::function<void()> callback) override {
    const auto connection = alive();
    if (!connection) return callback();
    connection->onGone(std::move(callback));
  }

 private:
  std::shared_ptr<Connection> alive() const {
    auto connection = connection_.lock();
    if (connection && !connection->current(serial_)) connection.reset();
    return connection;
  }

  std::weak_ptr<Connection> connection_;
  std::uint64_t serial_;
};

}  // namespace

// --- reading ---

void Connection::read() {
  if (reading_ || closed_ || eof_) return;
  if (!lingering_ && in_.size() >= kReadBytesMax)
    return;  // a client that pipelines without end waits
  reading_ = true;
  if (tls_) sealed_in_.resize(kSealedReadBytes);
  const std::span<char> room = tls_ ? std::span<char>(sealed_in_) : in_.room();
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = self()](error_code ec, std::size_t size) { self->onRead(ec, size); });
}

void Connection::onRead(error_code ec, std::size_t size) {
  reading_ = false;
  if (closed_) return;
  if (ec == asio::error::eof) return onEof();
  if (ec) return lost();
  activity_s_ = now_s_;
  if (lingering_) {
    in_.clear();
    return read();
  }
  if (!busy_ && !reader_.started() && in_.empty()) request_s_ = now_s_;
  if (!tls_) in_.received(size);
  if (tls_ && !unseal(size)) return;
  process();
}

/// Takes the sealed bytes of a read into in_. False: that was the end.
bool Connection::unseal(std::size_t size) {
  tls_->received({sealed_in_.data(), size});
  for (;;) {
    const std::size_t plain = tls_->read(in_.room());
    if (plain == 0) break;
    in_.received(plain);
  }
  if (tls_->failed()) {
    flush();  // the alert
    lost();
    return false;
  }
  if (tls_->ended()) onEof();
  return !tls_->ended();
}

void Connection::onEof() {
  eof_ = true;
  if (lingering_) return close();
  if (call_) clientLeftCall();
  if (busy_ && gone_) probe();
  process();
}

void Connection::process() {
  if (processing_ || closed_) return;
  if (yielded_) return flush();
  Turn turn;
  bool paused = false;
  do {
    processing_ = true;
    while (!yielded_ && step()) yielded_ = moreWaits() && turn.over();
    processing_ = false;
    if (closed_) return;
    paused = full();
    if (!yielded_ && eof_ && body_open_ && !call_->paused() && !call_->answer()) return lost();
    if (!yielded_ && eof_ && !busy_ && !paused) closing_ = true;
    flush();
    // A client that takes everything at once gets the next answers in the same turn.
  } while (!yielded_ && paused && !closed_ && !full());
  if (yielded_) nextTurn();
  read();
}

/// Goes on after everything else that waits for the thread.
void Connection::nextTurn() {
  asio::post(socket_.get_executor(), [self = self()] {
    self->yielded_ = false;
    self->process();
  });
}

/// One request, if there is one and it may be begun. True: try again.
bool Connection::step() {
  if (closed_ || closing_ || full()) return false;
  if (call_) return stepCall();
  if (busy_ || in_.empty()) return false;
  const auto step = reader_.consume(in_.view());
  in_.consume(step.consumed);
  if (step.state == HttpReader::State::Failed) {
    refuse(reader_.errorStatus(), reader_.errorText());
    return false;
  }
  if (step.state == HttpReader::State::NeedMore) {
    if (reader_.takeExpectsContinue()) out_.bytes += "HTTP/1.1 100 Continue\r\n\r\n";
    return false;
  }
  begin();
  if (closed_ || busy_) return call_ != nullptr;
  nextRequest();
  return true;
}

void Connection::nextRequest() {
  reader_.reset();
  body_open_ = false;
  request_s_ = now_s_;
}

void Connection::begin() {
  const auto& request = reader_.request();
  busy_ = true;
  streaming_ = false;
  http11_ = reader_.http11();
  keep_alive_ = http11_ && reader_.keepAlive() && !owner_->draining();
  head_only_ = request.method == "HEAD";
  origin_ = request.header(mcp::http::Header::Origin).value_or("");
  ++serial_;
  auto reply = std::make_shared<Reply>(self(), serial_);
  if (reader_.service() == nullptr) return owner_->handle(request, reply);
  body_open_ = true;
  if (owner_->admits(request, reply)) beginCall();
}

/// The bytes were no request: answers, and closes, since nobody knows where the next one starts.
void Connection::refuse(int status, std::string_view text) {
  std::string body = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"";
  body.append(text).append("\"}}");
  Head head;
  head.status = status;
  head.content_type = "application/json";
  head.content_length = body.size();
  head.close = true;
  appendHead(out_.bytes, head);
  out_.bytes += body;
  closing_ = true;
  in_.clear();
}

// --- answering ---

void Connection::respond(const mcp::http::HttpResponse& response, std::string_view before,
                         std::string_view behind) {
  if (streaming_) {  // a probe has opened the stream meanwhile
    std::string whole(before);
    whole.append(response.body).append(behind);
    event({.data = whole});
    return endStream();
  }
  if (body_open_) dropBody();
  Head head;
  head.status = response.status;
  head.content_type = response.content_type;
  if (response.status != 204)
    head.content_length = before.size() + response.body.size() + behind.size();
  head.close = !keep_alive_;
  if (response.status != 403) head.origin = origin_;  // 403: the origin itself may be the reason
  head.extra_headers = response.extra_headers;
  appendHead(out_.bytes, head);
  if (!head_only_) out_.bytes.append(before).append(response.body).append(behind);
  completeAnswer();
}

/// A service's request is refused: what has come of its body is passed over, and if there is more
/// to come, the connection is not kept for it.
void Connection::dropBody() {
  const auto step = reader_.consume(in_.view());
  in_.consume(step.consumed);
  body_open_ = step.state != HttpReader::State::Complete;
  if (body_open_) keep_alive_ = false;
}

void Connection::openStream(std::string_view extra_headers) {
  if (streaming_) return;
  streaming_ = true;
  std::string extra = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
  extra += extra_headers;
  Head head;
  head.content_type = "text/event-stream";
  head.chunked = http11_;
  head.close = !keep_alive_;
  head.origin = origin_;
  head.extra_headers = extra;
  appendHead(out_.bytes, head);
  output_s_ = now_s_;
  flushOutside();
}

void Connection::streamBytes(std::string_view bytes) {
  if (unsent() > kOutputBytesMax) {
    log::warning("a client does not read its event stream and is given up",
                 {{"output_bytes_max", kOutputBytesMax}});
    return lost();
  }
  if (http11_)
    appendChunk(out_.bytes, bytes);
  else
    out_.bytes += bytes;
  flushOutside();
}

void Connection::event(const mcp::http::ServerEvent& event) {
  streamBytes(eventText(event));
}

void Connection::endStream() {
  if (!streaming_) openStream({});
  if (http11_) appendLastChunk(out_.bytes);
  completeAnswer();
}

void Connection::onGone(std::function<void()> callback) {
  gone_ = std::move(callback);
  if (eof_) probe();
}

void Connection::completeAnswer() {
  busy_ = false;
  streaming_ = false;
  gone_ = nullptr;
  activity_s_ = now_s_;
  if (!keep_alive_ || owner_ == nullptr || owner_->draining()) closing_ = true;
  if (processing_) return;
  nextRequest();
  process();
}

// --- writing ---

void Connection::seal() {
  if (!tls_) return;
  const std::size_t taken = tls_->seal(out_.view(), wire_.bytes);
  out_.sent += taken;
  out_.tidy(kOutputPauseBytes);
}

void Connection::flush() {
  seal();
  OutputBuffer& wire = this->wire();
  while (!closed_ && !waiting_writable_ && wire.unsent() > 0) {
    const ssize_t sent = ::send(socket_.native_handle(), wire.bytes.data() + wire.sent,
                                wire.unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      wire.sent += static_cast<std::size_t>(sent);
      output_s_ = now_s_;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return waitWritable();
    return lost();
  }
  if (closed_ || unsent() > 0) return;
  wire.tidy(kOutputPauseBytes);
  if (closing_ && !busy_ && !lingering_) finishClosing();
}

void Connection::waitWritable() {
  wire().tidy(kOutputPauseBytes);
  waiting_writable_ = true;
  socket_.async_wait(Socket::wait_write, [self = self()](error_code ec) {
    self->waiting_writable_ = false;
    if (ec || self->closed_) return;
    self->flush();
    self->process();
  });
}

/// Everything is sent. Closing at once would reset a connection whose input is unread, and the
/// client might never see the answer.
void Connection::finishClosing() {
  if (tls_ && tls_->close()) return flush();  // comes back here once the goodbye is sent
  if (eof_ || owner_ == nullptr || owner_->draining()) return close();
  lingering_ = true;
  activity_s_ = lingers_since_s_ = now_s_;
  in_.clear();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  read();
}

// --- the end ---

/// The client has sent its FIN: either it is gone, or it only has nothing more to say. Sending
/// something tells, for one that is gone answers with a reset. An event stream may carry a comment
/// at any time.
void Connection::probe() {
  openStream({});
  streamBytes(":\n\n");
  if (closed_) return;
  socket_.async_wait(Socket::wait_error, [self = self()](error_code ec) {
    if (!ec && !self->closed_) self->lost();
  });
}

void Connection::lost() {
  const auto gone = std::exchange(gone_, nullptr);
  close();
  if (gone) gone();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  const auto kept = self();
  error_code ignored;
  socket_.close(ignored);
  const auto call = std::exchange(call_, nullptr);
  if (owner_ != nullptr) owner_->closed(*this);
  if (call) call->gone();
}

void Connection::tick(std::int64_t now_s) {
  now_s_ = now_s;
  if (closed_) return;
  if (lingering_) {
    if (now_s - activity_s_ >= kLingerMaxS || now_s - lingers_since_s_ >= kLingerTotalMaxS) close();
    return;
  }
  if (waiting_writable_ && now_s - output_s_ >= kWriteStallMaxS) return lost();
  if (tls_ && !tls_->established() && now_s - opened_s_ >= limits_.request_max_s) return lost();
  if (call_) return tickCall();
  if (busy_) {
    if (streaming_ && now_s - output_s_ >= kKeepAliveS) streamBytes(":\n\n");
    return;
  }
  if (closing_) return;
  if (reader_.started() || !in_.empty()) {
    if (now_s - request_s_ < limits_.request_max_s) return;
    refuse(408, "Request Timeout: the request took longer than request_max_s");
    return flush();
  }
  if (now_s - activity_s_ >= limits_.idle_max_s) close();
}

void Connection::drain() {
  if (closed_) return;
  if (busy_ || reader_.started() || !in_.empty() || unsent() > 0) {
    keep_alive_ = false;
    return;
  }
  close();
}

std::shared_ptr<HttpConnection> HttpConnection::create(asio::io_context& io, Fd socket,
                                                       ConnectionOwner& owner,
                                                       const ConnectionLimits& limits,
                                                       std::unique_ptr<TlsSession> tls,
                                                       std::int64_t now_s) {
  return std::make_shared<Connection>(io, std::move(socket), owner, limits, std::move(tls), now_s);
}

}  // namespace tutti::transport
