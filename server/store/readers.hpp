// Inner to server/store: the threads that read.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/store/store.hpp"

namespace tutti::store {

/// Owns up to `readers` threads, each with a read-only connection. A thread starts when a read
/// finds all others busy, its connection opens with the first read it serves: a program that reads
/// nothing pays nothing.
///
/// Thread-safe: submit() may be called from any thread. The destructor drains the queue, then
/// joins.
class Readers {
 public:
  Readers(std::string path, StoreOptions options);
  ~Readers();
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  /// As Store::read().
  void submit(Store::Work work, Store::Done done);
  /// As Store::readAsideAndWait(): on the caller's thread.
  Status runAside(const Store::Work& work) const;

 private:
  struct Item {
    Store::Work work;
    Store::Done done;
  };

  void loop();
  bool next(Item& item);
  Status run(std::optional<Connection>& db, const Store::Work& work) const;

  const std::string path_;
  const StoreOptions options_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;            // guarded by mutex_
  bool closing_ = false;              // guarded by mutex_
  std::size_t free_ = 0;              // guarded by mutex_: threads that wait for work
  std::vector<std::thread> threads_;  // guarded by mutex_ until they are joined
};

}  // namespace tutti::store
