// Tasks whose process has died, in the process that takes them over.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

/// A store that a dead process has left something in.
class SharedStore final : public MemoryTaskStore {
 public:
  using MemoryTaskStore::MemoryTaskStore;
  void onOrphan(std::function<void(Task)> heir) override { heir_ = std::move(heir); }
  void onChange(std::function<void(const Task&)> watcher) override {
    watcher_ = watcher;
    MemoryTaskStore::onChange(std::move(watcher));
  }
  void follow(const std::string& id) override { ++followed[id]; }
  void unfollow(const std::string& id) override {
    if (--followed[id] == 0) followed.erase(id);
  }
  Task read(const std::string& id) {
    Task found;
    get(id, "", [&](const Result<Task>& task) {
      EXPECT_TRUE(task.ok());
      if (task.ok()) found = *task;
    });
    return found;
  }
  /// The process that worked on it has died.
  void orphan(const std::string& id) { heir_(read(id)); }
  /// Another process has changed it.
  void changedElsewhere(const std::string& id, TaskStatus status) {
    Task task = read(id);
    task.status = status;
    watcher_(task);
  }

  std::map<std::string, int> followed;

 private:
  std::function<void(Task)> heir_;
  std::function<void(const Task&)> watcher_;
};

class TasksRepeatTest : public testing::Test {
 protected:
  TasksRepeatTest()
      : store_(std::make_shared<SharedStore>(MemoryTaskStore::Options{10, clock_.get()})) {
    log::configure(log::Level::Off);
    open();
  }
  /// The process that takes over: the same tools, nothing in memory.
  void open() {
    client_.reset();
    server_.reset();
    held_.clear();
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.task_store = store_;
    server_ = std::make_unique<Server>(std::move(options));
    add("careful", {.ttl_ms = 60'000, .poll_ms = 200, .repeatable = true});
    add("careless", {.ttl_ms = 60'000, .poll_ms = 200});
    client_ = std::make_unique<fixture::StreamClient>(*server_);
  }
  void add(const char* name, const TaskOptions& options) {
    Tool tool;
    tool.name = name;
    tool.description = "Waits for the test.";
    tool.input_schema = R"({"type":"object"})";
    tool.task_support = TaskSupport::Optional;
    tool.task_options = options;
    const auto handler = [this, options](const std::shared_ptr<ToolCall>& call) {
      EXPECT_TRUE(call->detach(options));
      call->onCancelled([this] { ++cancelled_; });
      held_.push_back(call);
    };
    ASSERT_TRUE(server_->addTool(std::move(tool), handler).ok());
  }
  std::string call(const std::string& tool) {
    const Json made = client_->ask(fixture::modernCall(
        ++id_, tool, {{"arguments", {{"word", "hello"}}}}, fixture::withTasks()));
    return made["result"].value("taskId", "");
  }
  Json status(const std::string& id) {
    return client_->ask(fixture::modernRequest(++id_, "tasks/get", {{"taskId", id}},
                                               fixture::withTasks()))["result"];
  }

  int id_ = 0;
  int cancelled_ = 0;
  std::vector<std::shared_ptr<ToolCall>> held_;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  std::shared_ptr<SharedStore> store_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(TasksRepeatTest, ATaskRunsAgainWithItsArgumentsAndEndsWhereItBegan) {
  const std::string id = call("careful");
  EXPECT_FALSE(held_.front()->repeated());
  EXPECT_EQ(held_.front()->taskId(), id);
  open();
  store_->orphan(id);
  ASSERT_EQ(held_.size(), 1U);
  EXPECT_TRUE(held_.front()->repeated());
  EXPECT_EQ(held_.front()->taskId(), id);
  EXPECT_EQ(held_.front()->arguments(), Json({{"word", "hello"}}));
  EXPECT_TRUE(held_.front()->clientCan(ClientFeature::ElicitForm));
  EXPECT_EQ(status(id)["status"], "working");
  held_.front()->finish(ToolOutput{Json{{"done", true}}, ""});
  EXPECT_EQ(status(id)["status"], "completed");
  EXPECT_EQ(status(id)["result"]["structuredContent"]["done"], true);
}

TEST_F(TasksRepeatTest, WhatCannotBeRepeatedFailsAndSaysWhy) {
  const std::string id = call("careless");
  open();
  store_->orphan(id);
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(status(id)["status"], "failed");
  EXPECT_EQ(status(id)["error"]["data"]["name"], "process_lost");
  EXPECT_NE(status(id)["error"]["data"]["hint"], Json());
}

TEST_F(TasksRepeatTest, ATaskOfAToolThatIsNotHereFails) {
  const std::string id = call("careful");
  open();
  server_->removeTool("careful");
  store_->orphan(id);
  EXPECT_EQ(status(id)["status"], "failed");
  EXPECT_EQ(status(id)["error"]["data"]["name"], "unknown_tool");
}

TEST_F(TasksRepeatTest, ALegacyTaskRunsAgainForNoClientInParticular) {
  client_->ask(fixture::hello("2025-11-25"));
  const Json made = client_->ask(fixture::legacyRequest(
      ++id_, "tools/call",
      {{"name", "careful"}, {"arguments", {{"word", "hello"}}}, {"task", Json::object()}}));
  const std::string id = made["result"]["task"].value("taskId", "");
  EXPECT_EQ(made["result"]["task"]["ttl"], 60'000);
  open();
  store_->orphan(id);
  ASSERT_EQ(held_.size(), 1U);
  EXPECT_EQ(held_.front()->caller().revision, "2025-11-25");
  EXPECT_EQ(held_.front()->arguments(), Json({{"word", "hello"}}));
  held_.front()->finish(ToolOutput{Json{{"done", true}}, ""});
  EXPECT_EQ(store_->read(id).status, TaskStatus::Completed);
}

TEST_F(TasksRepeatTest, AnAdoptedTaskEndsWithItsTime) {
  const std::string id = call("careful");
  clock_->pass(std::chrono::seconds(50));
  open();
  store_->orphan(id);
  clock_->pass(std::chrono::seconds(9));
  EXPECT_EQ(cancelled_, 0);
  clock_->pass(std::chrono::seconds(1));
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(TasksRepeatTest, TheHandlerLearnsThatAnotherProcessHasCancelledItsTask) {
  const std::string id = call("careful");
  EXPECT_EQ(store_->followed[id], 1);
  store_->changedElsewhere(id, TaskStatus::Cancelled);
  EXPECT_EQ(cancelled_, 1);
  EXPECT_TRUE(held_.front()->cancelled());
  held_.front()->finish(ToolOutput{Json{{"done", true}}, ""});
  EXPECT_TRUE(store_->followed.empty());
}

TEST_F(TasksRepeatTest, WhatHasEndedIsNoLongerFollowed) {
  const std::string id = call("careful");
  held_.front()->finish(ToolOutput{Json{{"done", true}}, ""});
  EXPECT_TRUE(store_->followed.empty());
  EXPECT_TRUE(store_->read(id).request.find("hello") != std::string::npos);
}

TEST_F(TasksRepeatTest, AServerThatEndsLeavesItsTasksUnfinished) {
  const std::string id = call("careful");
  client_.reset();
  server_.reset();
  held_.clear();
  EXPECT_EQ(store_->read(id).status, TaskStatus::Working);
}

}  // namespace
}  // namespace tutti::mcp
