// The rows of tasks: every statement on them. Runs in a transaction or on a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/mcp/tasks/task.hpp"
#include "server/store/connection.hpp"

namespace tutti::tasks {

/// A task and the number of its latest change.
struct TaskRow {
  mcp::Task task;
  std::int64_t change_seq = 0;
};

/// NotFound "unknown_task".
Error unknownTask();

struct NewTask {
  mcp::Task task;
  std::string owner;  ///< the replica that works on it
  std::size_t tasks_max;
  WallTime now;
};
/// Removes a few expired tasks on the way, so that they never pile up. Errors: ResourceExhausted
/// "tasks_max".
Result<TaskRow> insertTask(store::Tx& tx, NewTask made);

/// Errors: NotFound "unknown_task" when there is none or it has expired.
Result<TaskRow> findTask(store::Connection& db, const std::string& task_id, WallTime now);

/// Errors: as findTask(), Conflict "task_ended".
Result<TaskRow> changeTask(store::Tx& tx, const std::string& task_id, mcp::TaskChange change,
                           WallTime now);

/// Ok while the task is unfinished; what is done for it may be done. Errors: as changeTask().
Status checkUnfinished(store::Connection& db, const std::string& task_id);

/// Errors: InvalidArgument "invalid_cursor".
Result<std::vector<mcp::Task>> listTasks(store::Connection& db, const mcp::TaskQuery& query,
                                         WallTime now);

/// Replicas that unfinished tasks belong to.
std::vector<std::string> taskOwners(store::Connection& db, WallTime now);

struct Adoption {
  std::string from;
  std::string to;
  std::size_t count_max;
  std::string left = "[]";  ///< tools whose calls are left to others: a JSON array
};
/// Unfinished tasks of a replica, which are another's from now on.
std::vector<mcp::Task> adoptTasks(store::Tx& tx, const Adoption& adoption, WallTime now);

struct Change {
  std::int64_t change_seq;
  std::string task_id;
};
std::int64_t latestChange(store::Connection& db);
/// In their order, at most `count_max` of them.
std::vector<Change> changesAfter(store::Connection& db, std::int64_t change_seq,
                                 std::size_t count_max);

}  // namespace tutti::tasks
