// Inner to server/store: who in this process is told of a commit.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace tutti::store {

/// Thread-safe. An observer is never called after its handle is gone.
class CommitObservers {
 public:
  std::shared_ptr<void> add(std::function<void()> observer);
  void notify();

 private:
  struct Entry {
    std::mutex mutex;
    std::function<void()> observer;  // guarded by mutex; empty once the handle is gone
  };
  std::mutex mutex_;
  std::vector<std::weak_ptr<Entry>> entries_;  // guarded by mutex_
};

}  // namespace tutti::store
