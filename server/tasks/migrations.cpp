// Times are microseconds since the epoch: they are compared and added up, never shown as they are.
#include "server/tasks/migrations.hpp"

namespace tutti::tasks {
namespace {
constexpr std::string_view kTasks = R"sql(
CREATE TABLE tasks (
  task_seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  change_seq     INTEGER NOT NULL,
  task_id        TEXT NOT NULL UNIQUE,
  principal      TEXT NOT NULL,
  client_session TEXT NOT NULL,
  owner          TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN
    ('working', 'input_required', 'completed', 'failed', 'cancelled')),
  status_message TEXT NOT NULL,
  created_us     INTEGER NOT NULL,
  updated_us     INTEGER NOT NULL,
  expires_us     INTEGER NOT NULL,
  poll_ms        INTEGER NOT NULL,
  inputs         TEXT NOT NULL DEFAULT '',
  request        TEXT NOT NULL,
  result         TEXT NOT NULL DEFAULT '',
  error          TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX tasks_by_change ON tasks (change_seq);
CREATE INDEX tasks_by_expiry ON tasks (expires_us);
CREATE INDEX tasks_by_client ON tasks (principal, client_session, task_seq);
CREATE INDEX tasks_unfinished_by_owner ON tasks (owner) WHERE owner <> '';
)sql";

/// What clients have answered to a replica that does not work on the task.
constexpr std::string_view kAnswers =
    "ALTER TABLE tasks ADD COLUMN answers TEXT NOT NULL DEFAULT ''";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {
      {200, "tasks", kTasks},
      {201, "task_answers", kAnswers},
  };
  return all;
}

}  // namespace tutti::tasks
