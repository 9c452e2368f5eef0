#include "server/mcp/tasks/task.hpp"

#include <utility>

namespace tutti::mcp {

Status apply(Task& task, TaskChange change, WallTime now) {
  if (isTerminal(task.status))
    return Error(Code::Conflict, "the task has ended already").named("task_ended");
  if (change.status) task.status = *change.status;
  if (change.status_message) task.status_message = std::move(*change.status_message);
  if (change.inputs) task.inputs = std::move(*change.inputs);
  for (const std::string& key : change.taken) task.answers.erase(key);
  for (auto& [key, answer] : change.answers)
    if (task.inputs.contains(key)) task.answers.insert_or_assign(key, std::move(answer));
  // Who works on the task may not have seen yet what was answered elsewhere.
  for (const auto& [key, answer] : task.answers) task.inputs.erase(key);
  if (task.status == TaskStatus::InputRequired && task.inputs.empty())
    task.status = TaskStatus::Working;
  if (isTerminal(task.status)) {
    task.inputs.clear();
    task.answers.clear();
  }
  task.result = std::move(change.result);
  task.error = std::move(change.error);
  task.updated = now;
  return ok();
}

}  // namespace tutti::mcp
