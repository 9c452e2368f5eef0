#include "server/tasks/task_rows.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/json/json.hpp"
#include "server/store/statement.hpp"

namespace tutti::tasks {
using mcp::Task;
using mcp::TaskStatus;
using store::Statement;

namespace {
constexpr int kForgottenMax = 16;  // with each new task
constexpr std::array<std::string_view, 5> kStatusNames = {"working", "input_required", "completed",
                                                          "failed", "cancelled"};

std::string_view nameOf(TaskStatus status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

TaskStatus statusOf(const std::string& name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i)
    if (kStatusNames[i] == name) return static_cast<TaskStatus>(i);
  return TaskStatus::Failed;
}

std::int64_t micros(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime timeOf(std::int64_t micros) {
  return WallTime(
      std::chrono::duration_cast<WallTime::duration>(std::chrono::microseconds(micros)));
}

/// Requests or answers by key; each is JSON text already.
std::string textOf(const std::map<std::string, std::string>& by_key) {
  return by_key.empty() ? std::string() : json::dump(Json(by_key));
}

std::map<std::string, std::string> byKey(const std::string& text) {
  std::map<std::string, std::string> found;
  if (text.empty()) return found;
  const auto parsed = json::parse(text);
  if (!parsed.ok() || !parsed->is_object()) return found;
  for (const auto& [key, value] : parsed->items())
    if (value.is_string()) found.emplace(key, value.get<std::string>());
  return found;
}

#define TASK_COLUMNS                                                                    \
  "change_seq, task_id, principal, client_session, status, status_message, created_us," \
  " updated_us, expires_us, poll_ms, inputs, request, result, error, answers"

TaskRow rowOf(const Statement& found) {
  TaskRow row;
  row.change_seq = found.integer(0);
  Task& task = row.task;
  task.id = found.text(1);
  task.owner = found.text(2);
  task.session = found.text(3);
  task.status = statusOf(found.text(4));
  task.status_message = found.text(5);
  task.created = timeOf(found.integer(6));
  task.updated = timeOf(found.integer(7));
  task.ttl_ms = (found.integer(8) - found.integer(6)) / 1000;
  task.poll_ms = found.integer(9);
  task.inputs = byKey(found.text(10));
  task.request = found.text(11);
  task.result = found.text(12);
  task.error = found.text(13);
  task.answers = byKey(found.text(14));
  return row;
}

Error endedTask() {
  return Error(Code::Conflict, "the task has ended already").named("task_ended");
}

void forgetExpired(store::Tx& tx, WallTime now) {
  Statement(tx,
            "DELETE FROM tasks WHERE task_seq IN (SELECT task_seq FROM tasks WHERE expires_us <= ?"
            " AND change_seq < (SELECT max(change_seq) FROM tasks) ORDER BY expires_us LIMIT ?)",
            micros(now), kForgottenMax)
      .run();
}

}  // namespace

Error unknownTask() {
  return Error(Code::NotFound, "there is no such task", "it may have expired; start it again")
      .named("unknown_task");
}

std::int64_t latestChange(store::Connection& db) {
  Statement latest(db, "SELECT max(change_seq) FROM tasks");
  return latest.step() ? latest.integer(0) : 0;
}

Result<TaskRow> insertTask(store::Tx& tx, NewTask made) {
  forgetExpired(tx, made.now);
  Statement kept(tx, "SELECT count(*) FROM tasks WHERE expires_us > ?", micros(made.now));
  if (kept.step() && kept.integer(0) >= static_cast<std::int64_t>(made.tasks_max))
    return Error(Code::ResourceExhausted,
                 "tasks_max (" + std::to_string(made.tasks_max) + ") tasks are kept",
                 "wait until some have expired, or call without a task")
        .named("tasks_max");
  TaskRow row{std::move(made.task), latestChange(tx) + 1};
  Task& task = row.task;
  task.created = task.updated = timeOf(micros(made.now));
  Statement(tx,
            "INSERT INTO tasks(change_seq, task_id, principal, client_session, owner, status,"
            " status_message, created_us, updated_us, expires_us, poll_ms, inputs, request)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row.change_seq, task.id, task.owner, task.session, made.owner, nameOf(task.status),
            task.status_message, micros(task.created), micros(task.updated),
            micros(task.created) + task.ttl_ms * 1000, task.poll_ms, textOf(task.inputs),
            task.request)
      .run();
  return row;
}

Result<TaskRow> findTask(store::Connection& db, const std::string& task_id, WallTime now) {
  Statement found(db, "SELECT " TASK_COLUMNS " FROM tasks WHERE task_id = ? AND expires_us > ?",
                  task_id, micros(now));
  if (!found.step()) return unknownTask();
  return rowOf(found);
}

Result<TaskRow> changeTask(store::Tx& tx, const std::string& task_id, mcp::TaskChange change,
                           WallTime now) {
  auto found = findTask(tx, task_id, now);
  if (!found.ok()) return found;
  Task& task = found->task;
  if (Status made = apply(task, std::move(change), timeOf(micros(now))); !made.ok())
    return std::move(made).error();
  const bool over = isTerminal(task.status);
  if (over) task.request.clear();
  found->change_seq = latestChange(tx) + 1;
  Statement(tx,
            "UPDATE tasks SET change_seq = ?, status = ?, status_message = ?, updated_us = ?,"
            " inputs = ?, answers = ?, request = ?, result = ?, error = ?,"
            " owner = CASE WHEN ? THEN '' ELSE owner END WHERE task_id = ?",
            found->change_seq, nameOf(task.status), task.status_message, micros(task.updated),
            textOf(task.inputs), textOf(task.answers), task.request, task.result, task.error, over,
            task_id)
      .run();
  return found;
}

Status checkUnfinished(store::Connection& db, const std::string& task_id) {
  Statement found(db, "SELECT owner FROM tasks WHERE task_id = ?", task_id);
  if (!found.step()) return unknownTask();
  return found.text(0).empty() ? Status(endedTask()) : ok();
}

Result<std::vector<Task>> listTasks(store::Connection& db, const mcp::TaskQuery& query,
                                    WallTime now) {
  std::int64_t after = 0;
  if (!query.after.empty()) {
    Statement last(db,
                   "SELECT task_seq FROM tasks WHERE task_id = ? AND principal = ?"
                   " AND client_session = ? AND expires_us > ?",
                   query.after, query.owner, query.session, micros(now));
    if (!last.step())
      return Error(Code::InvalidArgument, "'cursor' is not one of this list",
                   "list again from the start, without a cursor")
          .named("invalid_cursor");
    after = last.integer(0);
  }
  Statement rows(db,
                 "SELECT " TASK_COLUMNS
                 " FROM tasks WHERE principal = ? AND client_session = ?"
                 " AND task_seq > ? AND expires_us > ? ORDER BY task_seq LIMIT ?",
                 query.owner, query.session, after, micros(now),
                 static_cast<std::int64_t>(query.count_max));
  std::vector<Task> found;
  while (rows.step()) found.push_back(rowOf(rows).task);
  return found;
}

std::vector<std::string> taskOwners(store::Connection& db, WallTime now) {
  Statement rows(db, "SELECT DISTINCT owner FROM tasks WHERE owner <> '' AND expires_us > ?",
                 micros(now));
  std::vector<std::string> owners;
  while (rows.step()) owners.push_back(rows.text(0));
  return owners;
}

std::vector<Task> adoptTasks(store::Tx& tx, const Adoption& adoption, WallTime now) {
  Statement rows(tx,
                 "UPDATE tasks SET owner = ? WHERE task_seq IN (SELECT task_seq FROM tasks"
                 " WHERE owner = ? AND owner <> '' AND expires_us > ? AND (request = '' OR"
                 " coalesce(json_extract(request, '$.params.name'), '') NOT IN"
                 " (SELECT value FROM json_each(?))) ORDER BY task_seq LIMIT ?)"
                 " RETURNING " TASK_COLUMNS,
                 adoption.to, adoption.from, micros(now), adoption.left,
                 static_cast<std::int64_t>(adoption.count_max));
  std::vector<Task> adopted;
  while (rows.step()) adopted.push_back(rowOf(rows).task);
  return adopted;
}

std::vector<Change> changesAfter(store::Connection& db, std::int64_t change_seq,
                                 std::size_t count_max) {
  Statement rows(db,
                 "SELECT change_seq, task_id FROM tasks WHERE change_seq > ?"
                 " ORDER BY change_seq LIMIT ?",
                 change_seq, static_cast<std::int64_t>(count_max));
  std::vector<Change> found;
  while (rows.step()) found.push_back({rows.integer(0), rows.text(1)});
  return found;
}

}  // namespace tutti::tasks
