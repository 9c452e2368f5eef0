// Writing the few files a host must not fail to leave behind.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "server/runner/loop.hpp"

namespace tutti::runner {

/// Writes files durably, one after the other, and tries again (with growing pauses, without end)
/// while that fails: a full disk may be emptied. A small reserve file gives the first of them room.
class DurableWriter {
 public:
  using Done = std::function<void()>;

  DurableWriter(Loop& loop, std::filesystem::path reserve);
  /// Sets the reserve aside, if there is room.
  void prepare();
  /// `done` is called from the loop once the file is on disk (or given up).
  void write(std::filesystem::path path, std::string content, Done done);
  bool busy() const { return !jobs_.empty(); }

 private:
  struct Job {
    std::filesystem::path path;
    std::string content;
    Done done;
  };
  void attempt();

  const std::filesystem::path reserve_;
  std::unique_ptr<Loop::Timer> timer_;
  std::deque<Job> jobs_;
  std::int64_t pause_ms_ = 0;
};

}  // namespace tutti::runner
