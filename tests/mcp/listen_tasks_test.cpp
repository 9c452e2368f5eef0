// notifications/tasks on subscriptions/listen.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

constexpr const char* kSubscription = "io.modelcontextprotocol/subscriptionId";

class ListenTasksTest : public testing::Test {
 protected:
  ListenTasksTest() : server_(options()) {
    log::configure(log::Level::Off);
    fixture::addTaskTools(server_, held_);
    client_ = std::make_unique<fixture::StreamClient>(server_);
  }
  ServerOptions options() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.task_store =
        std::make_shared<MemoryTaskStore>(MemoryTaskStore::Options{10, clock_.get()});
    options.watched_max = 3;
    return options;
  }
  static Json capabilities() {
    Json all = fixture::everyCapability();
    all["extensions"] = {{std::string(kTasksExtension), Json::object()}};
    return all;
  }
  Json start() {
    return client_->ask(fixture::modernCall(++id_, "job", {}, capabilities()))["result"]["taskId"];
  }
  Json cancel(const Json& task) {
    return client_->ask(
        fixture::modernRequest(++id_, "tasks/cancel", {{"taskId", task}}, capabilities()));
  }
  Json listen(const Json& tasks, const Json& declared = capabilities()) {
    return client_->ask(fixture::modernRequest(
        77, "subscriptions/listen", {{"notifications", {{"taskIds", tasks}}}}, declared));
  }

  int id_ = 0;
  fixture::Held held_;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  Server server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(ListenTasksTest, EachChangeOfATaskIsToldInFull) {
  const Json task = start();
  const Json acknowledged = listen(Json::array({task}))["params"];
  EXPECT_EQ(acknowledged["notifications"], (Json{{"taskIds", Json::array({task})}}));
  held_.finishOne();
  const Json told = client_->next();
  EXPECT_EQ(told["method"], "notifications/tasks");
  EXPECT_EQ(told["params"]["taskId"], task);
  EXPECT_EQ(told["params"]["status"], "completed");
  EXPECT_EQ(told["params"]["result"]["structuredContent"]["done"], true);
  EXPECT_EQ(told["params"]["_meta"], (Json{{kSubscription, 77}}));
  EXPECT_FALSE(told["params"].contains("resultType")) << "it is no result";
  EXPECT_EQ(client_->next(), Json());
}

TEST_F(ListenTasksTest, UnknownTasksAreLeftOutAndEndedOnesToldAtOnce) {
  const Json task = start();
  held_.finishOne();
  const Json acknowledged = listen(Json::array({"nobody", task}))["params"];
  EXPECT_EQ(acknowledged["notifications"], (Json{{"taskIds", Json::array({task})}}));
  EXPECT_EQ(client_->next()["params"]["status"], "completed");
  EXPECT_EQ(client_->next(), Json());
}

TEST_F(ListenTasksTest, OthersTasksAreUnknown) {
  const Json task = start();
  fixture::StreamClient other(server_, "ses_other");
  const Json acknowledged = other.ask(fixture::modernRequest(
      1, "subscriptions/listen", {{"notifications", {{"taskIds", Json::array({task})}}}},
      capabilities()));
  EXPECT_EQ(acknowledged["params"]["notifications"], Json::object());
  held_.finishOne();
  EXPECT_EQ(other.next(), Json());
}

TEST_F(ListenTasksTest, WhoDeclaresNoTasksIsRefused) {
  const Json refused = listen(Json::array({"x"}), Json::object());
  EXPECT_EQ(refused["error"]["code"], -32021);
  EXPECT_TRUE(refused["error"]["data"]["requiredCapabilities"]["extensions"].contains(
      std::string(kTasksExtension)));
}

TEST_F(ListenTasksTest, TooManyTasksAreRefusedByName) {
  EXPECT_EQ(listen(Json::array({"a", "b", "c", "d"}))["error"]["data"]["name"], "watched_max");
}

TEST_F(ListenTasksTest, ACancelledListenHearsNoMore) {
  const Json task = start();
  listen(Json::array({task}));
  EXPECT_EQ(server_.listening(), 1U);
  client_->send(
      {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 77}}}});
  EXPECT_EQ(server_.listening(), 0U);
  EXPECT_EQ(cancel(task)["result"]["resultType"], "complete");
  EXPECT_EQ(client_->next(), Json());
}

/// Answers questions about a task when told to.
class LateStore final : public TaskStore {
 public:
  void create(Task task, Done done) override { store_.create(std::move(task), std::move(done)); }
  void get(const std::string& id, const std::string& owner, Done done) override {
    waiting_.push_back([this, id, owner, done = std::move(done)] { store_.get(id, owner, done); });
  }
  void change(const std::string& id, TaskChange change, Done done) override {
    store_.change(id, std::move(change), std::move(done));
  }
  void list(const TaskQuery& query, Listed done) override { store_.list(query, std::move(done)); }
  void onChange(std::function<void(const Task&)> watcher) override {
    store_.onChange(std::move(watcher));
  }
  void answer() {
    for (const auto& one : std::exchange(waiting_, {})) one();
  }

 private:
  MemoryTaskStore store_{MemoryTaskStore::Options{}};
  std::vector<std::function<void()>> waiting_;
};

class LateListenTest : public testing::Test {
 protected:
  LateListenTest() : server_(std::make_unique<Server>(options())) {
    log::configure(log::Level::Off);
    fixture::addTaskTools(*server_, held_);
    client_ = std::make_unique<fixture::StreamClient>(*server_);
    Json capabilities = fixture::everyCapability();
    capabilities["extensions"] = {{std::string(kTasksExtension), Json::object()}};
    const Json made = client_->ask(fixture::modernCall(1, "job", {}, capabilities));
    const Json wanted = {{"toolsListChanged", true},
                         {"taskIds", Json::array({made["result"]["taskId"]})}};
    client_->send(fixture::modernRequest(2, "subscriptions/listen", {{"notifications", wanted}},
                                         capabilities));
  }
  ServerOptions options() {
    ServerOptions options = fixture::options();
    options.task_store = store_;
    return options;
  }

  fixture::Held held_;
  std::shared_ptr<LateStore> store_ = std::make_shared<LateStore>();
  std::unique_ptr<Server> server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(LateListenTest, NothingIsToldBeforeTheAcknowledgement) {
  server_->toolsChanged();
  EXPECT_EQ(client_->next(), Json()) << "the store has not said which tasks there are";
  store_->answer();
  EXPECT_EQ(client_->next()["method"], "notifications/subscriptions/acknowledged");
  server_->toolsChanged();
  EXPECT_EQ(client_->next()["method"], "notifications/tools/list_changed");
}

TEST_F(LateListenTest, AnAnswerAfterTheCancellationIsDropped) {
  client_->send(
      {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 2}}}});
  store_->answer();
  EXPECT_EQ(client_->next(), Json());
  EXPECT_EQ(server_->listening(), 0U);
}

TEST_F(LateListenTest, AnAnswerAfterTheServersEndIsDropped) {
  client_.reset();
  held_.calls.clear();
  server_.reset();
  store_->answer();
  EXPECT_EQ(held_.cancelled, 0);
}

}  // namespace
}  // namespace tutti::mcp
