// A task: a request whose answer is fetched later, and where tasks are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/clock.hpp"
#include "server/base/result.hpp"

namespace tutti::mcp {

enum class TaskStatus { Working, InputRequired, Completed, Failed, Cancelled };

constexpr bool isTerminal(TaskStatus status) {
  return status >= TaskStatus::Completed;
}

struct Task {
  std::string id;       ///< 128 random bits: who knows it may use it, if it is also the owner
  std::string owner;    ///< the principal that caused it; others learn nothing of it
  std::string session;  ///< the legacy session that caused it; empty for modern clients
  TaskStatus status = TaskStatus::Working;
  std::string status_message = {};
  WallTime created = {};
  WallTime updated = {};
  std::int64_t ttl_ms = 0;  ///< from its creation; after that it may be gone
  std::int64_t poll_ms = 0;
  std::map<std::string, std::string> inputs = {};  ///< outstanding: {"method","params"} by key
  /// Given where the task is not worked on, and not yet taken: JSON text by key.
  std::map<std::string, std::string> answers = {};
  std::string result = {};   ///< JSON text, of a request that was answered
  std::string error = {};    ///< JSON text, of one that ended with an error
  std::string request = {};  ///< runs the call again, see task_repeat.hpp; empty: it cannot be
};

/// What changes in a task; nothing else does.
struct TaskChange {
  std::optional<TaskStatus> status = {};
  std::optional<std::string> status_message = {};
  std::optional<std::map<std::string, std::string>> inputs = {};
  std::map<std::string, std::string> answers = {};  ///< to what is outstanding; others are dropped
  std::vector<std::string> taken = {};              ///< answers that have reached the handler
  std::string result = {};
  std::string error = {};
};

/// Makes the change. What is answered is outstanding no more, and a task without anything
/// outstanding goes on. Errors: Conflict "task_ended" once the status is terminal.
Status apply(Task& task, TaskChange change, WallTime now);

/// Which tasks to list: those of one owner in one session, in the order of their creation.
struct TaskQuery {
  std::string owner;
  std::string session;
  std::string after;  ///< the id of the last one seen; empty: from the start
  std::size_t count_max = 100;
};

/// Keeps tasks. Calls take effect in their order; `done` runs on the I/O thread, during the call or
/// later, and may use the store again. Called on the I/O thread only.
class TaskStore {
 public:
  using Done = std::function<void(Result<Task>)>;
  using Listed = std::function<void(Result<std::vector<Task>>)>;
  virtual ~TaskStore() = default;

  /// `done` runs when the task is as durable as it gets. Errors: ResourceExhausted "tasks_max".
  virtual void create(Task task, Done done) = 0;
  /// Errors: NotFound "unknown_task" for one that is unknown, has expired or is another owner's.
  virtual void get(const std::string& id, const std::string& owner, Done done) = 0;
  /// Errors: NotFound as above, Conflict "task_ended" once the status is terminal.
  virtual void change(const std::string& id, TaskChange change, Done done) = 0;
  /// Errors: InvalidArgument "invalid_cursor" when `after` names no task of the query.
  virtual void list(const TaskQuery& query, Listed done) = 0;
  /// `watcher` sees every task that was created or changed, before `done` runs. One watcher.
  virtual void onChange(std::function<void(const Task&)> watcher) = 0;

  // For stores that several processes share.
  /// The watcher sees what other processes do to that task too, and once how it stands now, until
  /// unfollow() was called as often.
  virtual void follow(const std::string& /*id*/) {}
  virtual void unfollow(const std::string& /*id*/) {}
  /// `heir` is given every unfinished task whose process has died: it is this process's from now
  /// on.
  virtual void onOrphan(std::function<void(Task)> /*heir*/) {}
};

}  // namespace tutti::mcp
