#include "server/mcp/tasks/task_methods.hpp"

#include <functional>
#include <map>
#include <utility>

#include "server/mcp/client_features.hpp"
#include "server/mcp/tasks/task_request.hpp"
#include "server/mcp/tasks/task_run.hpp"
#include "server/mcp/tasks/task_wire.hpp"

namespace tutti::mcp {
namespace {

bool hasTasks(const Server::Impl& server, Revision revision) {
  return server.tasks && revision >= Revision::k2025_11_25;
}

std::string acknowledgement(const Server::Impl& server) {
  return "{" + server.tail.modern.substr(1) + "}";
}

WireError unknownTask(const Error& error) {
  WireError wire{errorBody(error), 200};
  if (error.code() == Code::NotFound) wire.body.message = "Invalid params: " + error.text();
  return wire;
}

/// The responses by key; whatever is no object there is of no use to anybody.
std::map<std::string, Json> responsesOf(const Json& params) {
  std::map<std::string, Json> responses;
  const Json* given = json::find(params, "inputResponses");
  if (given == nullptr || !given->is_object()) return responses;
  for (const auto& [key, value] : given->items()) responses.emplace(key, value);
  return responses;
}

}  // namespace

std::optional<std::string> namedTask(const Server::Impl& server, const Request& request) {
  const Context& context = request.context;
  if (!hasTasks(server, context.revision)) {
    request.error(methodNotFound(request.method, context.modern()));
    return std::nullopt;
  }
  // Capability before existence: who takes no tasks learns nothing of them.
  if (context.modern() &&
      !declares(context.envelope->client_capabilities, ClientFeature::Tasks, context.revision)) {
    request.error(missingCapability(capabilitiesFor({ClientFeature::Tasks})));
    return std::nullopt;
  }
  const Json* id = request.params.is_object() ? json::find(request.params, "taskId") : nullptr;
  if (id == nullptr || !id->is_string()) {
    request.error(invalidParams("'taskId' must be a string"));
    return std::nullopt;
  }
  return id->get<std::string>();
}

void getTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const auto id = namedTask(server, request);
  if (!id) return;
  const auto asked = TaskRequest::begin(request, pending);
  const Context& context = asked->request().context;
  server.tasks->store().get(
      *id, taskOwner(context.caller), [asked, tail = server.tail](const Result<Task>& task) {
        if (!task.ok()) return asked->error(unknownTask(task.error()));
        asked->result(shownTask(*task, asked->request().context.revision, tail));
      });
}

namespace {

using AskedPtr = std::shared_ptr<TaskRequest>;
using Found = std::function<void(Tasks& tasks, const AskedPtr& asked, const Task& task)>;

/// The task that the request names, for `then`; unknown ones are answered here.
void withTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending,
              Found then) {
  const auto id = namedTask(server, request);
  if (!id) return;
  const auto asked = TaskRequest::begin(request, pending);
  const auto tasks = server.tasks;
  tasks->store().get(*id, taskOwner(asked->request().context.caller),
                     [asked, weak = std::weak_ptr<Tasks>(tasks),
                      then = std::move(then)](const Result<Task>& task) {
                       const auto alive = weak.lock();
                       if (!alive) return;
                       if (!task.ok()) return asked->error(unknownTask(task.error()));
                       then(*alive, asked, *task);
                     });
}

void updateFound(Tasks& tasks, const AskedPtr& asked, const Task& task) {
  tasks.answer(task.id, responsesOf(asked->request().params),
               [asked, body = acknowledgement(tasks.server())](const Status& given) {
                 if (!given.ok()) return asked->error(unknownTask(given.error()));
                 asked->result(body);
               });
}

}  // namespace

void updateTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  withTask(server, request, pending, updateFound);
}

namespace {

/// What tasks/cancel answers once the task has ended.
void answerCancelled(Tasks& tasks, const std::shared_ptr<TaskRequest>& asked, const Task& task) {
  const bool modern = asked->request().context.modern();
  if (modern) return asked->result(acknowledgement(tasks.server()));
  asked->result("{" + legacyTask(task) + "}");
}

void cancelFound(Tasks& tasks, const std::shared_ptr<TaskRequest>& asked, const Task& task) {
  if (isTerminal(task.status)) {
    if (asked->request().context.modern()) return answerCancelled(tasks, asked, task);
    return asked->error(invalidParams("the task has ended already", "task_ended",
                                      "read its result with tasks/result"));
  }
  const auto answer = [asked, weak = tasks.weak_from_this()](const Result<Task>& ended) {
    const auto alive = weak.lock();
    if (!alive) return;
    if (!ended.ok()) return asked->error(unknownTask(ended.error()));
    answerCancelled(*alive, asked, *ended);
  };
  const auto run = tasks.running(task.id);
  if (!run) return tasks.store().change(task.id, {.status = TaskStatus::Cancelled}, answer);
  run->cancel();
  tasks.store().get(task.id, task.owner, answer);
}

}  // namespace

void cancelTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  withTask(server, request, pending, cancelFound);
}

}  // namespace tutti::mcp
