// The running side of a task: between the handler, which goes on as if it answered its request, and
// the store.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/mcp/exchange.hpp"
#include "server/mcp/request.hpp"
#include "server/mcp/request_context.hpp"
#include "server/mcp/server_impl.hpp"
#include "server/mcp/tasks/task.hpp"

namespace tutti::mcp {

class Flow;
class Tasks;

/// One task that this process works on. The handler's Flow and, while the client is asked, the
/// registry keep it. Runs on the I/O thread only.
class TaskRun final : public std::enable_shared_from_this<TaskRun> {
 public:
  TaskRun(std::weak_ptr<Tasks> tasks, std::string id, Revision revision);

  const std::string& id() const { return id_; }

  // From the handler's side.
  void follow(Flow* flow) { flow_ = flow; }
  void unfollow(const Flow* flow) {
    if (flow_ == flow) flow_ = nullptr;
  }
  bool over() const { return over_; }
  bool repeated() const { return repeated_; }
  /// What the client reads as the task's status message.
  void note(std::string_view message);
  /// The frame that would have answered the request.
  void finish(std::string_view frame);
  /// The handler has given up because it was told to.
  void abandoned();
  /// Keeps `request` until the client has given all that is needed, then lets the method run again.
  void needInput(Request request, InputNeeded needed);
  /// Runs the request of a task that was `task` when the process that worked on it died.
  void repeat(Request request, const Task& task);

  // From the client's side.
  using Done = std::function<void()>;
  /// Takes those answers that are objects and answer something outstanding. `done` runs when the
  /// store knows.
  void answer(std::map<std::string, Json> answers, Done done);
  /// The task cannot go on: the client's answer could not be had, its process has died.
  void failWith(const Error& error);
  /// Tells the handler, and ends the task as cancelled whatever the handler does.
  void cancel();
  /// Tells the handler that another process has ended the task.
  void endedElsewhere();

 private:
  void change(TaskChange change, Done done = nullptr);
  void end(TaskChange change);
  std::string freshKey(const std::string& key);
  void goOn();
  void run(Request request);

  const std::weak_ptr<Tasks> tasks_;
  const std::string id_;
  const Revision revision_;
  Flow* flow_ = nullptr;
  std::optional<Request> waiting_;             // for input
  std::map<std::string, std::string> inputs_;  // {"method","params"} by the client's key
  std::map<std::string, std::string> keys_;    // the handler's keys by the client's
  std::set<std::string> used_keys_;
  std::shared_ptr<InputRound> round_ = std::make_shared<InputRound>();
  std::string status_message_;
  bool over_ = false;
  bool repeated_ = false;
};

/// All tasks that this process works on, and who wants to hear of which task. Runs on the I/O
/// thread only.
class Tasks final : public std::enable_shared_from_this<Tasks> {
 public:
  Tasks(Server::Impl& server, std::shared_ptr<TaskStore> store);

  TaskStore& store() { return *store_; }
  Server::Impl& server() { return server_; }
  /// Listens to the store. Call once, after construction.
  void open();

  /// Makes a task of `request`: answers its client once the task is stored, and gives `request` an
  /// exchange that leads to the task. The peer no longer counts the request. `repeat_text`: see
  /// Task::request.
  void start(Request& request, const TaskOptions& options, std::string repeat_text);
  /// nullptr when this process does not work on it.
  std::shared_ptr<TaskRun> running(const std::string& id) const;
  void ended(const std::string& id);
  using Done = std::function<void(const Status&)>;
  /// Takes a client's answers to whoever works on the task, here or in another process. Those that
  /// answer nothing outstanding are dropped. `done` runs when the store knows. Errors: NotFound
  /// "unknown_task".
  void answer(const std::string& id, std::map<std::string, Json> answers, Done done);
  /// The task cannot go on, whoever works on it.
  void fail(const std::string& id, const Error& error);

  /// Sees a task each time it changes; null when it has expired before it ended. Never called after
  /// an end or null.
  using Watcher = std::function<void(const Task* task)>;
  using WatchId = std::uint64_t;
  WatchId watch(const std::string& id, Watcher watcher);
  void unwatch(const std::string& id, WatchId watch);
  /// The store no longer knows that task.
  void gone(const std::string& id);

 private:
  using Watchers = std::map<WatchId, Watcher>;
  void tell(const Task& task);
  void passOn(const Task& task);
  void tellMaker(const Task& made, const std::shared_ptr<Peer>& maker);
  std::shared_ptr<TaskRun> hold(const std::string& id, Revision revision, std::int64_t ttl_ms);
  void follow(const std::string& id);
  void adopt(const Task& task);

  struct Running {
    std::shared_ptr<TaskRun> run;
    std::shared_ptr<void> expiry;
    bool followed = false;  ///< in the store: another process may end it
  };
  Server::Impl& server_;
  const std::shared_ptr<TaskStore> store_;
  std::unordered_map<std::string, Running> running_;
  std::unordered_map<std::string, Watchers> watchers_;  // by task; none empty
  WatchId last_watch_ = 0;
};

/// Who may see the tasks of this caller.
std::string taskOwner(const Caller& caller);

}  // namespace tutti::mcp
