// Inner to server/documents: the thread that hashes and reads and writes files.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "server/base/result.hpp"

namespace tutti::documents {

/// Runs jobs in order on a thread of its own, which starts with the first.
///
/// Thread-safe. stop() runs what is queued and joins; the destructor does so too.
class Worker {
 public:
  explicit Worker(std::size_t jobs_max) : jobs_max_(jobs_max) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Unavailable "documents_busy" when jobs_max jobs wait or it has stopped, "thread_not_started"
  /// when the system has no thread for it; then `job` is not run.
  Status submit(std::function<void()> job);
  /// The rest of a long job, after those that wait: from within a job, and never refused.
  void resume(std::function<void()> job);
  void stop();

 private:
  Status ensureThread();
  void loop();

  const std::size_t jobs_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::thread thread_;                      // guarded by mutex_ until it is joined
};

}  // namespace tutti::documents
