// What only the experimental tasks of 2025-11-25 have: waiting for the result, and a list.
#include <map>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/input.hpp"
#include "server/mcp/tasks/task_methods.hpp"
#include "server/mcp/tasks/task_request.hpp"
#include "server/mcp/tasks/task_run.hpp"
#include "server/mcp/tasks/task_wire.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

WireError cancelledTask() {
  return invalidParams("the task was cancelled and has no result", "task_cancelled",
                       "start it again");
}

WireError goneTask() {
  return invalidParams("there is no such task; it may have expired", "unknown_task",
                       "start it again");
}

/// A tasks/result under way. What the task needs of the client is asked on its stream. The registry
/// keeps it, as a watcher.
class ResultWait : public std::enable_shared_from_this<ResultWait> {
 public:
  ResultWait(std::weak_ptr<Tasks> tasks, std::shared_ptr<TaskRequest> asked, std::string id)
      : tasks_(std::move(tasks)), asked_(std::move(asked)), id_(std::move(id)) {}

  void start(const Task& task) {
    const auto tasks = tasks_.lock();
    if (!isTerminal(task.status)) {
      watch_ = tasks->watch(id_, [self = shared_from_this()](const Task* now) { self->see(now); });
      endWith(*tasks, task);
      asked_->onCancelled([weak = weak_from_this()] {
        if (const auto wait = weak.lock()) wait->leave();
      });
    }
    see(&task);
  }

 private:
  void see(const Task* task);
  void endWith(Tasks& tasks, const Task& task);
  void answerEnded(const Task& task);
  void ask(const std::string& key, const std::string& wanted);
  void onAnswer(const std::string& key, std::optional<rpc::Message> response);
  void leave();

  const std::weak_ptr<Tasks> tasks_;
  const std::shared_ptr<TaskRequest> asked_;
  const std::string id_;
  Tasks::WatchId watch_ = 0;
  std::shared_ptr<void> expiry_;
  std::map<std::string, rpc::Id> questions_;  // our requests by the task's keys; empty id: answered
};

void ResultWait::see(const Task* task) {
  if (task == nullptr) {
    leave();
    return asked_->error(goneTask());
  }
  if (isTerminal(task->status)) return answerEnded(*task);
  if (task->status != TaskStatus::InputRequired) return;
  for (const auto& [key, wanted] : task->inputs)
    if (!questions_.contains(key)) ask(key, wanted);
}

/// Nobody tells us when a task expires that another process works on.
void ResultWait::endWith(Tasks& tasks, const Task& task) {
  const ServerOptions& options = tasks.server().options;
  if (!options.timers) return;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      task.created + std::chrono::milliseconds(task.ttl_ms) - options.clock->now());
  constexpr std::int64_t kSlackMs = 1'000;  // who works on it may tell more
  expiry_ = options.timers->after(left.count() + kSlackMs, [weak = weak_from_this()] {
    if (const auto wait = weak.lock()) wait->see(nullptr);
  });
}

void ResultWait::answerEnded(const Task& task) {
  leave();
  if (task.status == TaskStatus::Cancelled) return asked_->error(cancelledTask());
  if (!task.result.empty()) return asked_->result(withRelatedTask(task.result, id_));
  // The error is kept as it was made: the frame only needs this request's id.
  const Request& request = asked_->request();
  asked_->frame("{\"jsonrpc\":\"2.0\",\"id\":" + request.id + ",\"error\":" + task.error + "}");
}

void ResultWait::ask(const std::string& key, const std::string& wanted) {
  auto request = json::parse(wanted);
  if (!request.ok()) return;
  const Request& owner = asked_->request();
  const rpc::Id id =
      owner.peer->ask([self = shared_from_this(), key](std::optional<rpc::Message> response) {
        self->onAnswer(key, std::move(response));
      });
  if (id.empty()) return;  // too many already; the next tasks/result asks again
  questions_[key] = id;
  if (const auto tasks = tasks_.lock())
    tasks->server().elicitations.add(pageIdOf(request->at("params")), owner.peer);
  const std::string params = withRelatedTask(json::dump(request->at("params")), id_);
  std::string frame = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":";
  appendJsonString(frame, json::stringOr(*request, "method", ""));
  frame.append(",\"params\":").append(params).push_back('}');
  owner.exchange->notify(std::move(frame));
}

void ResultWait::onAnswer(const std::string& key, std::optional<rpc::Message> response) {
  const auto self = shared_from_this();
  questions_[key].clear();
  const auto tasks = tasks_.lock();
  if (!tasks || !response) return;
  if (response->answer_is_error)
    return tasks->fail(
        id_, Error(Code::FailedPrecondition,
                   "the client refused '" + key +
                       "': " + shortened(json::stringOr(response->answer, "message", ""), 500))
                 .named("input_refused"));
  std::map<std::string, Json> answers;
  answers.emplace(key, std::move(response->answer));
  tasks->answer(id_, std::move(answers), [](const Status&) {});
}

/// Nobody waits here any more; what was asked may be asked again elsewhere.
void ResultWait::leave() {
  const auto self = shared_from_this();
  if (const auto tasks = tasks_.lock()) tasks->unwatch(id_, watch_);
  expiry_.reset();
  asked_->onCancelled(nullptr);
  for (const auto& [key, id] : std::exchange(questions_, {})) {
    if (id.empty()) continue;
    asked_->request().peer->forget(id);
    if (!asked_->ended())
      asked_->request().exchange->notify(
          rpc::notificationFrame("notifications/cancelled", "{\"requestId\":" + id + "}"));
  }
}

}  // namespace

void awaitTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const auto id = namedTask(server, request);
  if (!id) return;
  const auto asked = TaskRequest::begin(request, pending);
  server.tasks->store().get(
      *id, taskOwner(asked->request().context.caller),
      [asked, weak = std::weak_ptr<Tasks>(server.tasks)](const Result<Task>& task) {
        if (!task.ok()) return asked->error(goneTask());
        if (weak.expired() || asked->ended()) return;
        std::make_shared<ResultWait>(weak, asked, task->id)->start(*task);
      });
}

void listTasks(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  if (!server.tasks || !hasExperimentalTasks(request.context.revision))
    return request.error(methodNotFound(request.method, false));
  TaskQuery query;
  query.owner = taskOwner(request.context.caller);
  query.session = request.peer->taskSession();
  query.count_max = server.options.list_page_max;
  const Json* cursor = request.params.is_object() ? json::find(request.params, "cursor") : nullptr;
  if (cursor != nullptr && !cursor->is_string())
    return request.error(invalidParams("'cursor' must be a string"));
  if (cursor != nullptr) query.after = cursor->get<std::string>();
  const auto asked = TaskRequest::begin(request, pending);
  server.tasks->store().list(
      query, [asked, page = query.count_max](const Result<std::vector<Task>>& found) {
        if (!found.ok())
          return asked->error(
              invalidParams(found.error().message(), found.error().name(), found.error().hint()));
        std::string body = "{\"tasks\":[";
        for (const Task& task : *found) {
          if (body.back() != '[') body += ',';
          body.append("{").append(legacyTask(task)).push_back('}');
        }
        body += ']';
        // A full page may be the last one: then the next is empty.
        if (found->size() >= page) {
          body += ",\"nextCursor\":";
          appendJsonString(body, found->back().id);
        }
        body += '}';
        asked->result(body);
      });
}

}  // namespace tutti::mcp
