// Tasks for as long as the process lives.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "server/mcp/tasks/task.hpp"

namespace tutti::mcp {

/// Answers at once. A task is forgotten when its time has passed.
class MemoryTaskStore : public TaskStore {
 public:
  struct Options {
    std::size_t tasks_max = 1000;
    const Clock* clock = &Clock::system();
  };
  explicit MemoryTaskStore(Options options) : options_(options) {}

  void create(Task task, Done done) override;
  void get(const std::string& id, const std::string& owner, Done done) override;
  void change(const std::string& id, TaskChange change, Done done) override;
  void list(const TaskQuery& query, Listed done) override;
  void onChange(std::function<void(const Task&)> watcher) override {
    watcher_ = std::move(watcher);
  }

 private:
  using Number = std::uint64_t;
  bool expired(const Task& task) const;
  Task* find(const std::string& id);
  void forgetExpired();

  const Options options_;
  std::map<Number, Task> tasks_;  // in the order of their creation
  std::unordered_map<std::string, Number> by_id_;
  Number last_ = 0;
  std::function<void(const Task&)> watcher_;
};

}  // namespace tutti::mcp
