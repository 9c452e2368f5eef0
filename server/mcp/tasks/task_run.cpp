#include "server/mcp/tasks/task_run.hpp"

#include <algorithm>
#include <utility>

#include "server/base/log.hpp"
#include "server/mcp/input.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/tasks/task_repeat.hpp"
#include "server/mcp/tasks/task_wire.hpp"
#include "server/mcp/under_way.hpp"
#include "server/rpc/codec.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::mcp {
namespace {

/// Leads what a method answers to the task that its request has become.
class TaskExchange final : public Exchange {
 public:
  explicit TaskExchange(std::shared_ptr<TaskRun> run) : run_(std::move(run)) {}
  void notify(std::string /*frame*/) override {}  // a task has a status, and no stream
  void reply(std::string frame, int /*http_status*/) override { run_->finish(frame); }
  void abandon() override { run_->abandoned(); }

 private:
  const std::shared_ptr<TaskRun> run_;
};

bool isErrorResult(std::string_view result) {
  return rpc::memberSpan(result, "isError") == "true";
}

}  // namespace

TaskRun::TaskRun(std::weak_ptr<Tasks> tasks, std::string id, Revision revision)
    : tasks_(std::move(tasks)), id_(std::move(id)), revision_(revision) {}

void TaskRun::change(TaskChange change, Done done) {
  const auto tasks = tasks_.lock();
  if (!tasks) return;
  tasks->store().change(
      id_, std::move(change), [id = id_, done, weak = tasks_](const Result<Task>& changed) {
        const auto alive = weak.lock();
        if (alive && !changed.ok()) alive->gone(id);
        // Expired and ended tasks are nobody's loss; anything else is.
        if (!changed.ok() && rpcCode(changed.error().code()) == rpc::kInternalError)
          log::error("a task was not changed", {{"task", id}, {"why", changed.error().text()}});
        if (done) done();
      });
}

void TaskRun::end(TaskChange last) {
  if (over_) return;
  const auto self = shared_from_this();
  over_ = true;
  waiting_.reset();
  inputs_.clear();
  change(std::move(last));
  if (const auto tasks = tasks_.lock()) tasks->ended(id_);
}

void TaskRun::note(std::string_view message) {
  if (over_ || message.empty() || message == status_message_) return;
  status_message_ = message;
  change({.status_message = status_message_});
}

void TaskRun::finish(std::string_view frame) {
  TaskChange last;
  const std::string_view result = rpc::memberSpan(frame, "result");
  last.status = result.empty() ? TaskStatus::Failed : TaskStatus::Completed;
  // The experimental form counts a tool's own error as a failure, the extension does not.
  if (!isModern(revision_) && isErrorResult(result)) last.status = TaskStatus::Failed;
  last.result = result;
  if (result.empty()) last.error = rpc::memberSpan(frame, "error");
  end(std::move(last));
}

void TaskRun::abandoned() {
  end({.status = TaskStatus::Cancelled});
}

void TaskRun::endedElsewhere() {
  const auto self = shared_from_this();
  over_ = true;
  waiting_.reset();
  if (flow_ != nullptr) flow_->cancelTask();
}

void TaskRun::cancel() {
  const auto self = shared_from_this();
  if (flow_ != nullptr) flow_->cancelTask();
  abandoned();
}

/// A key is never used twice in the life of a task.
std::string TaskRun::freshKey(const std::string& key) {
  std::string fresh = key;
  for (int again = 2; !used_keys_.insert(fresh).second; ++again)
    fresh = key + "_" + std::to_string(again);
  return fresh;
}

void TaskRun::needInput(Request request, InputNeeded needed) {
  if (over_) return;
  const auto tasks = tasks_.lock();
  if (!tasks) return;
  round_ = std::make_shared<InputRound>(*round_);
  round_->state = std::move(needed.state);
  ++round_->number;
  request.task = nullptr;  // both lead back here
  request.exchange = nullptr;
  waiting_ = std::move(request);
  keys_.clear();
  for (const InputRequest& wanted : needed.requests) {
    const std::string key = freshKey(wanted.key);
    keys_.emplace(key, wanted.key);
    inputs_.emplace(key, "{" + methodAndParams(wanted, revision_) + "}");
  }
  if (!inputs_.empty()) return change({.status = TaskStatus::InputRequired, .inputs = inputs_});
  if (round_->number <= tasks->server().options.input_rounds_max) return goOn();
  failWith(
      Error(Code::ResourceExhausted, "this task ran input_rounds_max rounds without a question")
          .named("input_rounds_max"));
}

void TaskRun::answer(std::map<std::string, Json> answers, Done done) {
  const auto self = shared_from_this();
  TaskChange update;
  for (auto& [key, value] : answers) {
    if (!value.is_object() || inputs_.erase(key) == 0) continue;
    round_->answers.insert_or_assign(keys_.at(key), std::move(value));
    update.taken.push_back(key);
  }
  if (update.taken.empty() || over_) {
    if (done) done();
    return;
  }
  update.inputs = inputs_;
  if (inputs_.empty()) update.status = TaskStatus::Working;
  change(std::move(update), std::move(done));
  if (inputs_.empty()) goOn();
}

void TaskRun::failWith(const Error& error) {
  finish(rpc::errorFrame({}, errorBody(error)));
}

void TaskRun::goOn() {
  if (!waiting_) return;
  Request request = std::move(*waiting_);
  waiting_.reset();
  request.round = round_;
  run(std::move(request));
}

/// What was asked before is asked anew, under keys that the client has not seen as outstanding.
void TaskRun::repeat(Request request, const Task& task) {
  repeated_ = true;
  status_message_ = task.status_message;
  TaskChange anew{.status = TaskStatus::Working, .inputs = inputs_};
  for (const auto& [key, wanted] : task.inputs) used_keys_.insert(key);
  for (const auto& [key, answer] : task.answers) {
    used_keys_.insert(key);
    anew.taken.push_back(key);
  }
  if (!used_keys_.empty()) change(std::move(anew));
  run(std::move(request));
}

void TaskRun::run(Request request) {
  const auto tasks = tasks_.lock();
  if (!tasks) return;
  request.task = shared_from_this();
  request.exchange = std::make_shared<TaskExchange>(shared_from_this());
  runAgain(tasks->server(), std::move(request));
}

namespace {

/// Owes the client the handle of its new task.
class TaskStart final : public Pending {
 public:
  TaskStart(const Request& request, std::shared_ptr<TaskRun> run)
      : id_(request.id),
        revision_(request.context.revision),
        peer_(request.peer),
        exchange_(request.exchange),
        run_(std::move(run)) {}
  ~TaskStart() override {
    end();
    if (peer_) peer_->release();
  }
  TaskStart(const TaskStart&) = delete;
  TaskStart& operator=(const TaskStart&) = delete;

  void stored(const Server::Impl& server, const Result<Task>& task) {
    if (ended_) return;
    if (task.ok()) {
      exchange_->reply(rpc::resultFrame(id_, createdTask(*task, revision_, server.tail)), 200);
    } else {
      exchange_->reply(rpc::errorFrame(id_, errorBody(task.error())), 200);
      run_->cancel();
    }
    end();
  }
  void cancel() override {
    if (ended_) return;
    exchange_->abandon();
    end();
    run_->cancel();
  }
  void fail() override { cancel(); }

 private:
  void end() {
    if (!std::exchange(ended_, true) && peer_) peer_->remove(id_);
  }

  const rpc::Id id_;
  const Revision revision_;
  const std::shared_ptr<Peer> peer_;
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<TaskRun> run_;
  bool ended_ = false;
};

}  // namespace

Tasks::Tasks(Server::Impl& server, std::shared_ptr<TaskStore> store)
    : server_(server), store_(std::move(store)) {}

void Tasks::open() {
  store_->onChange([weak = weak_from_this()](const Task& task) {
    if (const auto tasks = weak.lock()) tasks->tell(task);
  });
  store_->onOrphan([weak = weak_from_this()](const Task& task) {
    if (const auto tasks = weak.lock()) tasks->adopt(task);
  });
}

std::shared_ptr<TaskRun> Tasks::hold(const std::string& id, Revision revision,
                                     std::int64_t ttl_ms) {
  auto run = std::make_shared<TaskRun>(weak_from_this(), id, revision);
  Running& running = running_[id];
  running.run = run;
  if (server_.options.timers)
    running.expiry = server_.options.timers->after(ttl_ms, [weak = std::weak_ptr<TaskRun>(run)] {
      if (const auto late = weak.lock()) late->cancel();
    });
  return run;
}

void Tasks::follow(const std::string& id) {
  const auto found = running_.find(id);
  if (found == running_.end() || std::exchange(found->second.followed, true)) return;
  store_->follow(id);
}

void Tasks::adopt(const Task& task) {
  auto request = repeatedRequest(server_, task.request);
  const Revision revision = request ? request->context.revision : Revision::k2026_07_28;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      task.created + std::chrono::milliseconds(task.ttl_ms) - server_.options.clock->now());
  const auto run = hold(task.id, revision, std::max<std::int64_t>(left.count(), 1));
  follow(task.id);
  if (request) return run->repeat(std::move(*request), task);
  run->failWith(Error(Code::Unavailable, "the process that worked on this task has ended",
                      "its work cannot be repeated by itself; look what was done, and call again")
                    .named("process_lost"));
}

void Tasks::start(Request& request, const TaskOptions& options, std::string repeat_text) {
  Task task;
  task.id = randomTaskId();
  task.owner = taskOwner(request.context.caller);
  if (!request.context.modern()) task.session = request.peer->taskSession();
  task.ttl_ms = options.ttl_ms;
  task.poll_ms = options.poll_ms;
  task.request = std::move(repeat_text);
  const auto run = hold(task.id, request.context.revision, options.ttl_ms);

  const auto start = std::make_shared<TaskStart>(request, run);
  if (request.peer) request.peer->add(request.id, start);
  if (request.peer) request.peer->release();  // the handler's share: a task is nobody's request
  request.task = run;
  request.exchange = std::make_shared<TaskExchange>(run);
  const bool told = hasExperimentalTasks(request.context.revision);
  const std::weak_ptr<Peer> maker = told ? request.peer : nullptr;
  store_->create(std::move(task),
                 [weak = weak_from_this(), start, maker](const Result<Task>& stored) {
                   const auto tasks = weak.lock();
                   if (!tasks) return;
                   if (stored.ok()) tasks->follow(stored->id);
                   start->stored(tasks->server(), stored);
                   const auto peer = maker.lock();
                   if (stored.ok() && peer) tasks->tellMaker(*stored, peer);
                 });
}

std::shared_ptr<TaskRun> Tasks::running(const std::string& id) const {
  const auto found = running_.find(id);
  return found == running_.end() ? nullptr : found->second.run;
}

void Tasks::ended(const std::string& id) {
  const auto last = running_.extract(id);
  if (!last.empty() && last.mapped().followed) store_->unfollow(id);
}

Tasks::WatchId Tasks::watch(const std::string& id, Watcher watcher) {
  Watchers& watchers = watchers_[id];
  const bool first = watchers.empty();
  watchers.emplace(++last_watch_, std::move(watcher));
  const WatchId given = last_watch_;
  if (first) store_->follow(id);
  return given;
}

void Tasks::unwatch(const std::string& id, WatchId watch) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  found->second.erase(watch);
  if (!found->second.empty()) return;
  watchers_.erase(found);
  store_->unfollow(id);
}

/// A client of 2025-11-25 hears of the states of its task after the first, wherever it is told
/// what belongs to no request.
void Tasks::tellMaker(const Task& made, const std::shared_ptr<Peer>& maker) {
  const auto last = std::make_shared<TaskStatus>(made.status);
  watch(made.id, [last, weak = std::weak_ptr<Peer>(maker)](const Task* task) {
    const auto peer = weak.lock();
    if (task == nullptr || !peer || !peer->unsolicited) return;
    if (std::exchange(*last, task->status) == task->status) return;
    peer->unsolicited(
        rpc::notificationFrame("notifications/tasks/status", "{" + legacyTask(*task) + "}"));
  });
}

void Tasks::answer(const std::string& id, std::map<std::string, Json> answers, Done done) {
  if (const auto run = running(id))
    return run->answer(std::move(answers), [done = std::move(done)] { done(ok()); });
  TaskChange given;
  for (const auto& [key, answer] : answers)
    if (answer.is_object()) given.answers.emplace(key, json::dump(answer));
  if (given.answers.empty()) return done(ok());
  store_->change(id, std::move(given), [done = std::move(done)](const Result<Task>& changed) {
    const bool too_late = !changed.ok() && changed.error().code() == Code::Conflict;
    done(changed.ok() || too_late ? ok() : Status(changed.error()));
  });
}

void Tasks::fail(const std::string& id, const Error& error) {
  if (const auto run = running(id)) return run->failWith(error);
  const std::string frame = rpc::errorFrame({}, errorBody(error));
  TaskChange last{.status = TaskStatus::Failed};
  last.error = rpc::memberSpan(frame, "error");
  store_->change(id, std::move(last), [](const Result<Task>&) {});
}

/// What was answered to another process.
void Tasks::passOn(const Task& task) {
  const auto run = running(task.id);
  if (!run) return;
  std::map<std::string, Json> answers;
  for (const auto& [key, text] : task.answers)
    if (auto answer = json::parse(text); answer.ok()) answers.emplace(key, std::move(*answer));
  run->answer(std::move(answers), nullptr);
}

void Tasks::gone(const std::string& id) {
  const auto last = watchers_.extract(id);
  if (last.empty()) return;
  store_->unfollow(id);
  for (const auto& [watch, watcher] : last.mapped()) watcher(nullptr);
}

void Tasks::tell(const Task& task) {
  // A run that has ended here is no longer known.
  if (const auto run = isTerminal(task.status) ? running(task.id) : nullptr) {
    ended(task.id);
    run->endedElsewhere();
  }
  if (!task.answers.empty()) passOn(task);
  const auto found = watchers_.find(task.id);
  if (found == watchers_.end()) return;
  const Watchers watchers = found->second;  // they may come and go meanwhile
  if (isTerminal(task.status)) {
    watchers_.erase(found);
    store_->unfollow(task.id);
  }
  for (const auto& [watch, watcher] : watchers) watcher(&task);
}

std::string taskOwner(const Caller& caller) {
  return caller.principal();
}

}  // namespace tutti::mcp
