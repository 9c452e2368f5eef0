#include "server/transport/readiness.hpp"

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace tutti::transport {

namespace asio = boost::asio;
using boost::system::error_code;

struct Readiness::Impl : std::enable_shared_from_this<Readiness::Impl> {
  Impl(asio::io_context& given, int watched, Direction which)
      : io(given), epoll(given), fd(watched), direction(which) {}

  void open() {
    epoll.assign(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    // Output is ready nearly always: it is armed for one event at a time, or it would wake us for
    // nothing whenever the reader takes something.
    // A hang-up is reported always, asked for or not.
    if (direction == Direction::Read) event.events = EPOLLIN;
    pollable = ::epoll_ctl(epoll.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void wait() {
    if (!pollable) {
      asio::post(io, [self = shared_from_this()] { self->ready(); });
      return;
    }
    if (direction == Direction::Write) {
      epoll_event event{};
      event.events = EPOLLOUT | EPOLLONESHOT;
      ::epoll_ctl(epoll.native_handle(), EPOLL_CTL_MOD, fd, &event);
    }
    epoll.async_wait(asio::posix::descriptor_base::wait_read,
                     [self = shared_from_this()](error_code ec) {
                       if (!ec) self->ready();
                     });
  }

  void ready() {
    if (const auto run = std::exchange(callback, nullptr)) run();
  }

  asio::io_context& io;
  asio::posix::stream_descriptor epoll;
  const int fd;
  const Direction direction;
  std::function<void()> callback;
  bool pollable = false;
};

Readiness::Readiness(asio::io_context& io, int fd, Direction direction)
    : impl_(std::make_shared<Impl>(io, fd, direction)) {
  impl_->open();
}

Readiness::~Readiness() {
  impl_->callback = nullptr;
  error_code ignored;
  impl_->epoll.close(ignored);
}

void Readiness::cancel() {
  impl_->callback = nullptr;
  error_code ignored;
  impl_->epoll.cancel(ignored);
}

bool Readiness::pollable() const {
  return impl_->pollable;
}

void Readiness::wait(std::function<void()> callback) {
  impl_->callback = std::move(callback);
  impl_->wait();
}

}  // namespace tutti::transport
