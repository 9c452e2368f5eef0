#include "server/transport/http_service_call.hpp"

#include <algorithm>
#include <utility>

#include "server/base/log.hpp"

namespace tutti::transport {
namespace {

HttpAnswer refusal(HttpCut why) {
  HttpAnswer answer;
  const char* text = "Bad Request: the body is not valid HTTP";
  answer.status = 400;
  if (why == HttpCut::TooLarge) {
    answer.status = 413;
    text = "Content Too Large: the body is above what this path takes";
  }
  if (why == HttpCut::TimedOut) {
    answer.status = 408;
    text = "Request Timeout: the body stopped for longer than request_max_s";
  }
  answer.body = std::string(R"({"error":{"code":)") + std::to_string(answer.status) +
                R"(,"message":")" + text + "\"}}";
  return answer;
}

}  // namespace

// --- the service's side ---

void ServiceCall::respond(HttpAnswer answer) {
  if (answer_ || !changed_) return;
  answer_ = std::move(answer);
  changed();
}

void ServiceCall::resumeBody() {
  if (!std::exchange(paused_, false)) return;
  changed();
}

void ServiceCall::resumeAnswer() {
  if (!std::exchange(waiting_, false)) return;
  changed();
}

void ServiceCall::onGone(std::function<void()> callback) {
  if (left_) return callback();
  if (changed_) gone_ = std::move(callback);
}

// --- the connection's side ---

void ServiceCall::begin(HttpBodyPlan plan, std::optional<std::uint64_t> content_length) {
  sink_ = std::move(plan.sink);
  body_bytes_max_ = plan.bytes_max;
  if (content_length.value_or(0) > body_bytes_max_) cut(HttpCut::TooLarge);
}

void ServiceCall::body(std::string_view bytes) {
  if (!takesBody() || bytes.empty()) return;
  body_bytes_ += bytes.size();
  if (body_bytes_ > body_bytes_max_) return cut(HttpCut::TooLarge);
  // Set before, so that a sink may resume itself while it is called.
  paused_ = true;
  if (sink_->data(bytes) == HttpBodySink::Flow::Go) paused_ = false;
}

void ServiceCall::bodyEnd() {
  if (!takesBody()) return;
  const auto sink = std::move(sink_);
  sink->end();
}

void ServiceCall::cut(HttpCut why) {
  if (!takesBody()) return;
  const auto sink = std::move(sink_);
  sink->cut(why);
  if (why != HttpCut::Gone) respond(refusal(why));
}

HttpBodySource::State ServiceCall::pull(std::string& to, std::size_t bytes_max) {
  using State = HttpBodySource::State;
  auto& length = answer_->length;
  if (length) bytes_max = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, *length));
  if (length && *length == 0) return State::End;
  const std::size_t before = to.size();
  // Set before, so that a source may resume itself while it is asked.
  waiting_ = true;
  State state = answer_->source->read(to, bytes_max);
  const std::size_t made = to.size() - before;
  if (state == State::More && made == 0) state = State::Wait;
  if (state != State::Wait) waiting_ = false;
  if (!length) return state;
  if (made > bytes_max || (state == State::End && made < *length)) {
    log::warning("an answer's body is not as long as its head says", {{"missing", *length - made}});
    return State::Failed;
  }
  *length -= made;
  if (*length > 0) return state;
  return state == State::Failed ? state : State::End;
}

void ServiceCall::clientLeft() {
  left_ = true;
  if (answer_) return;
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void ServiceCall::complete() {
  changed_ = nullptr;
  gone_ = nullptr;
  sink_.reset();
  if (answer_) answer_->source.reset();
}

void ServiceCall::gone() {
  changed_ = nullptr;
  left_ = true;
  const auto callback = std::exchange(gone_, nullptr);
  if (takesBody()) cut(HttpCut::Gone);
  complete();
  if (callback) callback();
}

}  // namespace tutti::transport
