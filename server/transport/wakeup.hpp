// A timer that is set far more often than it fires, as a client's time limits are.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

namespace tutti::transport {

/// Milliseconds of a clock that only goes forward.
inline std::int64_t steadyMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Calls back at the time last asked for, or a little later. A later time than before costs
/// nothing: the timer fires early and goes on. Runs on the I/O thread only.
class Wakeup {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  Wakeup(boost::asio::io_context& io, std::function<void()> callback)
      : core_(std::make_shared<Core>(io, std::move(callback))) {}
  ~Wakeup() { stop(); }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void at(std::int64_t at_ms) {
    core_->wanted_ms = at_ms;
    if (at_ms < core_->armed_ms) arm(core_);
  }
  void stop() {
    core_->callback = nullptr;
    core_->timer.cancel();
  }

 private:
  struct Core {
    Core(boost::asio::io_context& io, std::function<void()> call)
        : timer(io), callback(std::move(call)) {}
    boost::asio::steady_timer timer;
    std::function<void()> callback;
    std::int64_t wanted_ms = kNever;
    std::int64_t armed_ms = kNever;
  };

  static void arm(const std::shared_ptr<Core>& core) {
    core->armed_ms = core->wanted_ms;
    if (core->wanted_ms == kNever || !core->callback) return;
    core->timer.expires_at(
        std::chrono::steady_clock::time_point(std::chrono::milliseconds(core->wanted_ms + 1)));
    core->timer.async_wait([core](boost::system::error_code error) {
      if (error || !core->callback) return;
      core->armed_ms = kNever;
      if (core->wanted_ms > steadyMs()) return arm(core);
      core->wanted_ms = kNever;
      core->callback();
    });
  }

  std::shared_ptr<Core> core_;
};

}  // namespace tutti::transport
