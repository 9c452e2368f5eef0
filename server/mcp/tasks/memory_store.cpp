#include "server/mcp/tasks/memory_store.hpp"

#include <utility>

namespace tutti::mcp {
namespace {

Error unknownTask() {
  return Error(Code::NotFound, "there is no such task", "it may have expired; start it again")
      .named("unknown_task");
}

}  // namespace

bool MemoryTaskStore::expired(const Task& task) const {
  return options_.clock->now() >= task.created + std::chrono::milliseconds(task.ttl_ms);
}

void MemoryTaskStore::forgetExpired() {
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    const bool gone = expired(at->second);
    if (gone) by_id_.erase(at->second.id);
    at = gone ? tasks_.erase(at) : std::next(at);
  }
}

Task* MemoryTaskStore::find(const std::string& id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return nullptr;
  Task& task = tasks_.at(known->second);
  return expired(task) ? nullptr : &task;
}

void MemoryTaskStore::create(Task task, Done done) {
  if (tasks_.size() >= options_.tasks_max) forgetExpired();
  if (tasks_.size() >= options_.tasks_max)
    return done(Error(Code::ResourceExhausted,
                      "tasks_max (" + std::to_string(options_.tasks_max) + ") tasks are kept",
                      "wait until some have expired")
                    .named("tasks_max"));
  task.created = task.updated = options_.clock->now();
  by_id_.emplace(task.id, ++last_);
  tasks_.emplace(last_, task);
  if (watcher_) watcher_(task);
  done(std::move(task));
}

void MemoryTaskStore::get(const std::string& id, const std::string& owner, Done done) {
  const Task* task = find(id);
  if (task == nullptr || task->owner != owner) return done(unknownTask());
  done(Task(*task));
}

void MemoryTaskStore::change(const std::string& id, TaskChange change, Done done) {
  Task* task = find(id);
  if (task == nullptr) return done(unknownTask());
  if (Status made = apply(*task, std::move(change), options_.clock->now()); !made.ok())
    return done(std::move(made).error());
  Task copy = *task;
  if (watcher_) watcher_(copy);
  done(std::move(copy));
}

void MemoryTaskStore::list(const TaskQuery& query, Listed done) {
  const auto mine = [this, &query](const Task& task) {
    return task.owner == query.owner && task.session == query.session && !expired(task);
  };
  Number after = 0;
  if (!query.after.empty()) {
    const Task* last = find(query.after);
    if (last == nullptr || !mine(*last))
      return done(Error(Code::InvalidArgument, "'cursor' is not one of this list",
                        "list again from the start, without a cursor")
                      .named("invalid_cursor"));
    after = by_id_.at(query.after);
  }
  std::vector<Task> found;
  for (auto at = tasks_.upper_bound(after); at != tasks_.end(); ++at) {
    if (found.size() >= query.count_max) break;
    if (mine(at->second)) found.push_back(at->second);
  }
  done(std::move(found));
}

}  // namespace tutti::mcp
