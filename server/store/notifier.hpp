// Who waits for something in the store learns of it here, whichever process wrote it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/base/result.hpp"
#include "server/store/folder_watch.hpp"
#include "server/store/store.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::store {

/// Tells waiting code that a topic (a session id) has something new. Every observable change of a
/// session is a row of `events`, so the notifier follows that table: a commit of this process or of
/// another (a watch on the store's folder) makes it read the ids above the last one seen, and call
/// the watchers of the sessions found there. Bursts are coalesced. Where the folder cannot be
/// watched because of the kernel's limits, the table is looked at every 25 ms while anybody waits;
/// otherwise nothing is polled.
///
/// Runs on the I/O thread only; commits on other threads reach it by post. `io`, `store` and
/// `folders` outlive it.
class Notifier {
 public:
  using Callback = std::function<void()>;
  /// Keeps one watch alive; destruction ends it (also from within the callback).
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

   private:
    friend class Notifier;
    struct State;
    std::shared_ptr<State> state_;
  };

  Notifier(boost::asio::io_context& io, Store& store, FolderWatch& folders);
  ~Notifier();

  /// Begins to watch. Errors: Internal when the store's folder is not there to be watched.
  Status start();

  /// `callback` runs on the I/O thread, after the commit, each time `session_id` has new events;
  /// pass "" for any session. Subscribe first, then read the state, and nothing is missed. It runs
  /// once for a burst, when the session was deleted, and now and then without news (whoever is
  /// woken reads the state). A callback may add and end watches, its own included.
  Watch watch(const std::string& session_id, Callback callback);
  /// `callback` runs after each commit, by whichever process: for what has no events. Once for a
  /// burst, and now and then without news.
  Watch watchCommits(Callback callback);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::store
