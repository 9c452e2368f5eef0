// Waiting for something in the store, with a limit and signs of life on the way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/store/notifier.hpp"
#include "server/store/store.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::runner {

/// What is waited for, and whom to tell.
struct WaitRequest {
  std::vector<std::string> session_ids;  ///< whose changes are a reason to look again
  bool commits = false;                  ///< is every commit one? For what has no events
  std::chrono::milliseconds limit{0};    ///< 0: look once
  std::chrono::milliseconds progress_every{10'000};
  /// Looks, on a reader's thread: true when the wait is over. Keep what you saw in shared state.
  std::function<Result<bool>(store::Connection&)> look;
  /// Runs once, on the I/O thread, when the first look has not ended the wait. Gives the limit from
  /// then on. May be empty.
  std::function<std::chrono::milliseconds()> before_waiting;
  /// Runs every `progress_every` with the time waited so far. May be empty.
  std::function<void(std::chrono::milliseconds)> progress;
  /// Runs exactly once, on the I/O thread: true when look() said so, false when the limit ran out.
  /// Not after cancel().
  std::function<void(Result<bool>)> done;
};

/// Runs waits. I/O thread only; outlives its waits.
class Waiter {
 public:
  Waiter(boost::asio::io_context& io, store::Store& store, store::Notifier& notifier)
      : io_(io), store_(store), notifier_(notifier) {}

  /// One wait under way; dropping the handle does not end it.
  class Wait {
   public:
    virtual ~Wait() = default;
    /// Ends it without `done`. Idempotent.
    virtual void cancel() = 0;
  };
  std::shared_ptr<Wait> begin(WaitRequest request);

 private:
  boost::asio::io_context& io_;
  store::Store& store_;
  store::Notifier& notifier_;
};

}  // namespace tutti::runner
