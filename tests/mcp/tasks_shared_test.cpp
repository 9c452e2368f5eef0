// Two servers over one store of tasks: a client may ask either, whichever works on its task.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

using fixture::accepted;
using fixture::answerTo;
using fixture::legacyRequest;
using fixture::modernRequest;

/// What both have in common.
struct Shared {
  explicit Shared(const Clock& clock) : store(MemoryTaskStore::Options{10, &clock}) {
    store.onChange([this](const Task& task) {
      for (const auto& watcher : watchers) watcher(task);
    });
  }
  MemoryTaskStore store;
  std::vector<std::function<void(const Task&)>> watchers;
};

/// One server's way to it.
class View final : public TaskStore {
 public:
  explicit View(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  void create(Task task, Done done) override { shared_->store.create(std::move(task), done); }
  void get(const std::string& id, const std::string& owner, Done done) override {
    shared_->store.get(id, owner, done);
  }
  void change(const std::string& id, TaskChange change, Done done) override {
    shared_->store.change(id, std::move(change), done);
  }
  void list(const TaskQuery& query, Listed done) override { shared_->store.list(query, done); }
  void onChange(std::function<void(const Task&)> watcher) override {
    shared_->watchers.push_back(std::move(watcher));
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

class SharedTasksTest : public testing::Test {
 protected:
  SharedTasksTest() {
    log::configure(log::Level::Off);
    fixture::addTaskTools(here_, held_);
    fixture::addTaskTools(elsewhere_, unused_);
  }
  ServerOptions options() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.task_store = std::make_shared<View>(shared_);
    return options;
  }
  static Json modern(fixture::StreamClient& client, const std::string& method, Json params) {
    Json capabilities = fixture::everyCapability();
    capabilities["extensions"] = {{kTasksExtension, Json::object()}};
    return client.ask(modernRequest(1, method, std::move(params), capabilities));
  }
  static Json startModern(fixture::StreamClient& client, const Json& questions) {
    return modern(client, "tools/call",
                  {{"name", "job"}, {"arguments", {{"ask", questions}}}})["result"]["taskId"];
  }
  static Json startLegacy(fixture::StreamClient& client, const Json& arguments) {
    client.ask(fixture::hello("2025-11-25"));
    const Json params{{"name", "job"}, {"arguments", arguments}, {"task", Json::object()}};
    return client.ask(legacyRequest(1, "tools/call", params))["result"]["task"]["taskId"];
  }
  Json resultHere(const Json& id) {
    return modern(client_, "tasks/get", {{"taskId", id}})["result"];
  }

  fixture::Held held_;
  fixture::Held unused_;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>(*clock_);
  Server here_{options()};
  Server elsewhere_{options()};
  fixture::StreamClient client_{here_};
  fixture::StreamClient other_{elsewhere_};
};

TEST_F(SharedTasksTest, WhatAnotherServerIsToldReachesTheOneThatWorksOnTheTask) {
  const Json id = startModern(client_, {"name", "color"});
  const Json first =
      modern(other_, "tasks/update",
             {{"taskId", id},
              {"inputResponses", {{"name", accepted("name", "Ada")}, {"nobody", Json::object()}}}});
  EXPECT_EQ(first["result"]["resultType"], "complete") << first.dump();
  const Json rest = resultHere(id);
  ASSERT_EQ(rest["inputRequests"].size(), 1U) << rest.dump();
  const std::string key = rest["inputRequests"].items().begin().key();
  modern(other_, "tasks/update",
         {{"taskId", id}, {"inputResponses", {{key, accepted("color", "red")}}}});
  EXPECT_EQ(resultHere(id)["status"], "working");
  ASSERT_EQ(held_.calls.size(), 1U) << "the handler runs where it ran before";
  held_.finishOne();
  EXPECT_EQ(modern(other_, "tasks/get", {{"taskId", id}})["result"]["status"], "completed");
}

TEST_F(SharedTasksTest, AnUpdateThatComesTooLateIsAcknowledged) {
  const Json id = startModern(client_, Json::array());
  held_.finishOne();
  EXPECT_TRUE(modern(other_, "tasks/update", {{"taskId", id}, {"inputResponses", Json::object()}})
                  .contains("result"));
  EXPECT_EQ(modern(other_, "tasks/update", {{"taskId", "none"}})["error"]["code"], -32602);
}

TEST_F(SharedTasksTest, TheOlderFormAsksOnWhicheverServerWaitsForTheResult) {
  const Json id = startLegacy(client_, {{"ask", {"name"}}});
  other_.ask(fixture::hello("2025-11-25"));
  const Json asked = other_.ask(legacyRequest(2, "tasks/result", {{"taskId", id}}));
  EXPECT_EQ(asked["method"], "elicitation/create") << asked.dump();
  EXPECT_EQ(other_.ask(answerTo(asked, accepted("name", "Ada"))), Json());
  ASSERT_EQ(held_.calls.size(), 1U);
  held_.finishOne();
  EXPECT_EQ(other_.next()["id"], 2);
}

TEST_F(SharedTasksTest, ARefusalElsewhereFailsTheTask) {
  const Json id = startLegacy(client_, {{"ask", {"name"}}});
  other_.ask(fixture::hello("2025-11-25"));
  const Json asked = other_.ask(legacyRequest(2, "tasks/result", {{"taskId", id}}));
  const Json frame = other_.ask({{"jsonrpc", "2.0"},
                                 {"id", asked["id"]},
                                 {"error", {{"code", -1}, {"message", "I will not"}}}});
  EXPECT_NE(frame["error"]["message"].get<std::string>().find("I will not"), std::string::npos);
  const Json seen = client_.ask(legacyRequest(3, "tasks/get", {{"taskId", id}}));
  EXPECT_EQ(seen["result"]["status"], "failed");
}

TEST_F(SharedTasksTest, WhoMadeATaskIsToldOfItsEndElsewhere) {
  const Json id = startLegacy(client_, Json::object());
  other_.ask(fixture::hello("2025-11-25"));
  other_.ask(legacyRequest(2, "tasks/cancel", {{"taskId", id}}));
  EXPECT_EQ(client_.next(), Json());
  const auto told = client_.takeTaskStates();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["status"], "cancelled");
  EXPECT_EQ(held_.cancelled, 1);
}

}  // namespace
}  // namespace tutti::mcp
