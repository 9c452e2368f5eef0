// Waits until a descriptor can be read or written, whatever it is, without touching its flags.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

/// O_NONBLOCK belongs to the open file, which a terminal or a parent process may share, so Asio
/// must not get at the descriptor itself. It watches an epoll instance of ours that contains
/// nothing else. Runs on the I/O thread only.
class Readiness {
 public:
  enum class Direction { Read, Write, Hangup };  // Hangup: the other side has closed
  Readiness(boost::asio::io_context& io, int fd, Direction direction);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// False for regular files and the like: they are always ready, and wait() calls back soon.
  bool pollable() const;
  /// Calls back once, from the event loop. One wait at a time. The destructor drops it.
  void wait(std::function<void()> callback);
  /// Drops the wait under way, so that it keeps no event loop running.
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::transport
