#include "server/documents/worker.hpp"

#include <string>
#include <system_error>

namespace tutti::documents {

Status Worker::submit(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || jobs_.size() >= jobs_max_)
    return Error(Code::Unavailable, "the context store has too much to do", "try again in a moment")
        .named("documents_busy");
  if (Status started = ensureThread(); !started.ok()) return started;
  jobs_.push_back(std::move(job));
  wake_.notify_one();
  return ok();
}

Status Worker::ensureThread() {
  if (thread_.joinable()) return ok();
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (const std::system_error& error) {
    return Error(Code::Unavailable, std::string("no thread can be started: ") + error.what(),
                 "raise the limit on processes and threads, or try again later")
        .named("thread_not_started");
  }
  return ok();
}

void Worker::resume(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
}

void Worker::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
    wake_.notify_one();
  }
  if (thread.joinable()) thread.join();
}

void Worker::loop() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace tutti::documents
