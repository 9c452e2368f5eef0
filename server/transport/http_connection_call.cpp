// A connection while a service answers: the body goes to the service, the answer is pulled from it.
#include <netdb.h>
#include <sys/socket.h>

#include <utility>

#include "server/transport/http_connection_impl.hpp"
#include "server/transport/http_head.hpp"

namespace tutti::transport {
namespace {

using boost::system::error_code;

std::string peerAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[NI_MAXHOST];
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::getpeername(socket, generic, &size) != 0 || address.ss_family == AF_UNIX) return {};
  if (::getnameinfo(generic, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

/// A name or a value may come from whoever wrote the data: it must not become more than one line.
void appendClean(std::string& to, std::string_view text) {
  for (const char c : text) to += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

std::string headerLines(const HttpAnswer& answer) {
  std::string lines;
  for (const auto& [name, value] : answer.headers) {
    appendClean(lines, name);
    lines += ": ";
    appendClean(lines, value);
    lines += "\r\n";
  }
  return lines;
}

bool mayHaveBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void Connection::beginCall() {
  const std::vector<HttpField> fields = reader_.fields();
  const auto& request = reader_.request();
  HttpRequestHead head{request.method, request.target, fields, reader_.contentLength(), {}};
  head.peer.address = peerAddress(socket_.native_handle());
  head.peer.tls = tls_ != nullptr;
  head.peer.authenticated = owner_->demandsToken();
  const std::weak_ptr<Connection> weak = self();
  const auto call = std::make_shared<ServiceCall>([weak, serial = serial_] {
    const auto connection = weak.lock();
    if (connection && connection->current(serial)) connection->callChanged();
  });
  call_ = call;
  if (eof_) call->clientLeft();
  HttpBodyPlan plan = reader_.service()->request(head, call);
  call->begin(std::move(plan), head.content_length);
}

/// True: something has happened, and more may.
bool Connection::stepCall() {
  // Held: whatever the service does while it is called, this call outlasts it.
  const auto call = call_;
  const bool moved = body_open_ && takeBody();
  if (closed_) return false;
  if (!call->answer()) return moved;
  if (!streaming_)
    answerCall(*call->answer());
  else if (!pullAnswer())
    return moved;
  if (closed_) return false;
  if (!busy_) nextRequest();
  return true;
}

/// Hands on what has come of the body. False: nothing had.
bool Connection::takeBody() {
  if (call_->paused()) return false;
  const auto step = reader_.consume(in_.view());
  in_.consume(step.consumed);
  const bool waits = step.state == HttpReader::State::NeedMore && call_->takesBody() &&
                     reader_.takeExpectsContinue();
  if (waits) out_.bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  const bool some = !reader_.body().empty();
  call_->body(reader_.body());
  reader_.dropBody();
  if (step.state == HttpReader::State::NeedMore) return some;
  body_open_ = false;
  if (step.state == HttpReader::State::Complete) {
    call_->bodyEnd();
    return true;
  }
  keep_alive_ = false;  // nobody knows where the next request starts
  in_.clear();
  call_->cut(HttpCut::Faulty);
  return true;
}

void Connection::answerCall(const HttpAnswer& answer) {
  if (body_open_) keep_alive_ = false;
  const std::string lines = headerLines(answer);
  const bool bodyless = !mayHaveBody(answer.status);
  Head head;
  head.status = answer.status;
  head.content_type = answer.content_type;
  if (!bodyless) head.content_length = answer.source ? answer.length : answer.body.size();
  head.chunked = !bodyless && !head.content_length && http11_;
  head.close = !keep_alive_;
  head.origin = origin_;
  head.extra_headers = lines;
  appendHead(out_.bytes, head);
  output_s_ = now_s_;
  if (answer.source && !bodyless && !head_only_) {
    streaming_ = true;
    return;
  }
  if (!bodyless && !head_only_) out_.bytes += answer.body;
  std::exchange(call_, nullptr)->complete();
  completeAnswer();
}

/// One piece of the answer. False: there is none now.
bool Connection::pullAnswer() {
  if (call_->waiting()) return false;
  const bool chunked = http11_ && !call_->promisesLength();
  std::string piece;
  const auto state = call_->pull(piece, kPullBytes);
  if (closed_) return false;
  if (!piece.empty()) {
    if (chunked)
      appendChunk(out_.bytes, piece);
    else
      out_.bytes += piece;
  }
  if (state == HttpBodySource::State::Failed) {
    flush();
    lost();
    return false;
  }
  if (state != HttpBodySource::State::End) return state == HttpBodySource::State::More;
  if (chunked) appendLastChunk(out_.bytes);
  std::exchange(call_, nullptr)->complete();
  completeAnswer();
  return true;
}

void Connection::tickCall() {
  const bool awaits_body = body_open_ && call_->takesBody();
  if (awaits_body && call_->paused()) activity_s_ = now_s_;
  if (awaits_body && now_s_ - activity_s_ >= limits_.request_max_s) {
    call_->cut(HttpCut::TimedOut);
    return process();
  }
  const auto* answer = call_->answer();
  if (!streaming_ || answer == nullptr || answer->idle_text.empty()) return;
  if (unsent() > 0 || now_s_ - output_s_ < kKeepAliveS) return;
  streamBytes(answer->idle_text);
}

/// The client has sent its FIN: it may be gone, or only have no more to say.
void Connection::clientLeftCall() {
  const auto call = call_;
  if (!body_open_) call->clientLeft();
  if (closed_) return;
  const auto* answer = call->answer();
  if (streaming_ && answer != nullptr && !answer->idle_text.empty()) streamBytes(answer->idle_text);
  if (closed_) return;
  socket_.async_wait(Socket::wait_error, [self = self()](error_code ec) {
    if (!ec && !self->closed_) self->lost();
  });
}

}  // namespace tutti::transport
