#include "server/runner/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

namespace tutti::runner {
namespace net = boost::asio;
using Descriptor = net::posix::stream_descriptor;

struct Loop::Impl {
  net::io_context io{1};
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
};

// A wait stays armed in the reactor when its callback is taken away; it then ends without a call.
struct Loop::Watch::State {
  struct Side {
    Descriptor::wait_type kind;
    Callback ready;
    bool armed = false;
  };

  State(net::io_context& io, int fd) : descriptor(io, fd) {}

  static void arm(const std::shared_ptr<State>& self, Side State::*member) {
    Side& side = (*self).*member;
    if (side.armed || !side.ready) return;
    side.armed = true;
    self->descriptor.async_wait(side.kind, [self, member](const boost::system::error_code& error) {
      Side& woken = (*self).*member;
      woken.armed = false;
      if (error || !woken.ready) return;
      const Callback call = woken.ready;  // a copy: the callback may replace or end itself
      call();
      arm(self, member);
    });
  }

  Descriptor descriptor;
  Side read{Descriptor::wait_read, {}};
  Side write{Descriptor::wait_write, {}};
};

Loop::Watch::Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}

Loop::Watch::~Watch() {
  state_->read.ready = {};
  state_->write.ready = {};
  state_->descriptor.release();  // cancels what waits; the descriptor itself is the caller's
}

void Loop::Watch::reading(Callback ready) {
  state_->read.ready = std::move(ready);
  State::arm(state_, &State::read);
}

void Loop::Watch::writing(Callback ready) {
  state_->write.ready = std::move(ready);
  State::arm(state_, &State::write);
}

struct Loop::Timer::State {
  explicit State(net::io_context& io) : timer(io) {}
  net::steady_timer timer;
  std::uint64_t round = 0;  // of the latest after() or cancel(): an older expiry is not called
};

Loop::Timer::Timer(std::shared_ptr<State> state) : state_(std::move(state)) {}

Loop::Timer::~Timer() {
  cancel();
}

void Loop::Timer::after(std::int64_t ms, Callback expired) {
  const std::uint64_t round = ++state_->round;
  state_->timer.expires_after(std::chrono::milliseconds(ms));
  state_->timer.async_wait(
      [state = state_, round, call = std::move(expired)](const boost::system::error_code& error) {
        if (!error && state->round == round) call();
      });
}

void Loop::Timer::cancel() {
  ++state_->round;
  state_->timer.cancel();
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

std::unique_ptr<Loop::Watch> Loop::watch(int fd) {
  return std::unique_ptr<Watch>(new Watch(std::make_shared<Watch::State>(impl_->io, fd)));
}

std::unique_ptr<Loop::Timer> Loop::timer() {
  return std::unique_ptr<Timer>(new Timer(std::make_shared<Timer::State>(impl_->io)));
}

void Loop::post(Callback call) {
  net::post(impl_->io, std::move(call));
}
void Loop::run() {
  impl_->io.run();
}
void Loop::stop() {
  impl_->io.stop();
}

}  // namespace tutti::runner
