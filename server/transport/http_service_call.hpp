// One request that a service answers: its body on the way in, its answer on the way out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/transport/http_service.hpp"

namespace tutti::transport {

/// The service holds it as the exchange, the connection drives it: nothing here touches a socket.
/// The connection looks at it after each call of its own, and whenever `changed` runs. Runs on the
/// I/O thread only.
class ServiceCall final : public HttpExchange {
 public:
  explicit ServiceCall(std::function<void()> changed) : changed_(std::move(changed)) {}

  // The service's side.
  void respond(HttpAnswer answer) override;
  void resumeBody() override;
  void resumeAnswer() override;
  void onGone(std::function<void()> callback) override;

  // The connection's side, from here on.

  /// The service has seen the head and taken `plan`. A length above its limit is cut at once.
  void begin(HttpBodyPlan plan, std::optional<std::uint64_t> content_length);
  /// Does somebody wait for the body? Else it is read and dropped.
  bool takesBody() const { return sink_ != nullptr && !answer_; }
  bool paused() const { return takesBody() && paused_; }
  void body(std::string_view bytes);
  void bodyEnd();
  /// Tells the sink, and answers with the status that fits unless the service does.
  void cut(HttpCut why);

  /// Null until the service has answered.
  const HttpAnswer* answer() const { return answer_ ? &*answer_ : nullptr; }
  bool promisesLength() const { return answer_ && answer_->length; }
  /// Does the source wait for resumeAnswer()?
  bool waiting() const { return waiting_; }
  /// Appends the next bytes of the source. End comes exactly when the promised length has come;
  /// Failed when it cannot.
  HttpBodySource::State pull(std::string& to, std::size_t bytes_max);

  /// The client has sent its end and waits for an answer, or does not.
  void clientLeft();
  /// The answer is complete: nothing more will be called.
  void complete();
  /// The connection is closed before that.
  void gone();

 private:
  void changed() const {
    if (changed_) changed_();
  }

  std::function<void()> changed_;  // null once the request is over
  std::function<void()> gone_;
  std::unique_ptr<HttpBodySink> sink_;
  std::optional<HttpAnswer> answer_;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t body_bytes_max_ = 0;
  bool paused_ = false;
  bool waiting_ = false;
  bool left_ = false;
};

}  // namespace tutti::transport
